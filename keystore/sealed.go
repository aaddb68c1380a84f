package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"filippo.io/age"
)

const (
	fileVersion   = 1
	maxWorkFactor = 20      // 2.5 s and 1 GiB: no file may make us do more
	maxFile       = 4 << 20 // bytes, some 1,000 secrets of full length
)

// content is what is encrypted. Values are bytes, and so base64 in JSON, because
// a secret need not be UTF-8.
type content struct {
	Version int               `json:"version"`
	Secrets map[string][]byte `json:"secrets"`
}

// seal encrypts; errors are ErrTooBig and, practically never, those of age.
func seal(secrets map[string][]byte, passphrase string, factor int) ([]byte, error) {
	plain, err := json.Marshal(content{fileVersion, secrets})
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	recipient.SetWorkFactor(factor)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if out.Len() > maxFile {
		return nil, ErrTooBig
	}
	return out.Bytes(), nil
}

// open decrypts what was sealed with a work factor of at most most; errors are
// ErrPassphrase, ErrNewer, or ErrDamaged with details.
func open(sealed []byte, passphrase string, most int) (map[string][]byte, error) {
	if len(sealed) > maxFile {
		return nil, damaged(errors.New("larger than any file of ours"))
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	identity.SetMaxWorkFactor(most)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) && slices.Contains(wrong.StanzaTypes, "scrypt") {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, damaged(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged(err)
	}
	return parse(plain)
}

func parse(plain []byte) (map[string][]byte, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(plain, &head); err != nil {
		return nil, damaged(nil)
	}
	if head.Version > fileVersion {
		return nil, ErrNewer
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil || c.Version != fileVersion || c.Secrets == nil {
		return nil, damaged(nil)
	}
	return c.Secrets, nil
}

// damaged keeps age's words, which are about the format only; those of
// encoding/json may quote what was decrypted and are not passed.
func damaged(err error) error {
	return &Error{Err: ErrDamaged, Detail: detail(err, "")}
}
