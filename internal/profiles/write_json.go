package profiles

import (
	"bytes"
	"encoding/json"
	"io"
)

type jsonWriter struct {
	w   io.Writer
	buf bytes.Buffer
	enc *json.Encoder
}

func newJSONWriter(w io.Writer) *jsonWriter {
	j := &jsonWriter{w: w}
	j.enc = json.NewEncoder(&j.buf)
	j.enc.SetEscapeHTML(false) // a relink URL keeps its "&"
	return j
}

func (j *jsonWriter) Write(r Record) error {
	if r.Profiles == nil {
		r.Profiles = []Profile{}
	}
	j.buf.Reset()
	if err := j.enc.Encode(r); err != nil {
		return err
	}
	_, err := j.w.Write(j.buf.Bytes())
	return err
}

func (*jsonWriter) Close() error { return nil }
