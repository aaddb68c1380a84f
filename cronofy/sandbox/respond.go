package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
)

const jsonType = "application/json; charset=utf-8"

// refuse answers with an empty body: the bodies of 401, 402, 403, 404, 423, 429
// and 5xx are documented nowhere, so no client may need one.
func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set(reasonHeader, reason)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// answer sends v as JSON.
func (c *call) answer(status int, v any) {
	body, err := json.Marshal(v)
	if err == nil && c.switches.ExtraFields {
		body, err = withExtraFields(body)
	}
	if err != nil {
		refuse(c.w, http.StatusInternalServerError, "the answer could not be encoded")
		return
	}
	h := c.w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client is gone if this fails
}

// oauthError is the answer of RFC 6749 section 5.2.
func (c *call) oauthError(status int, code, reason string) {
	c.w.Header().Set(reasonHeader, reason)
	c.w.Header().Set("Pragma", "no-cache")
	c.answer(status, map[string]string{"error": code})
}

type fieldError struct {
	Key         string `json:"key"`
	Description string `json:"description"`
}

type fieldErrors map[string][]fieldError

// invalid is the answer to wrong parameters.
// https://docs.cronofy.com/developers/api/error-codes/
func (c *call) invalid(errs fieldErrors) {
	for field, list := range errs { // one is enough for the log
		c.w.Header().Set(reasonHeader, field+": "+list[0].Description)
	}
	c.answer(http.StatusUnprocessableEntity, map[string]fieldErrors{"errors": errs})
}

func required(field string) fieldErrors {
	return fieldErrors{field: {{"errors.required", "required"}}}
}

// withExtraFields puts fields nobody knows into every object of a JSON text.
func withExtraFields(body []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, err
	}
	addFields(v)
	return json.Marshal(v)
}

func addFields(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			addFields(e)
		}
	case map[string]any:
		for _, e := range v {
			addFields(e)
		}
		v["x_added_later"] = map[string]any{"list": []any{1, "two", nil}, "flag": true}
	}
}
