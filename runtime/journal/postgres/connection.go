package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Connection strings of a configuration have no password in them: whoever may read the
// configuration could read it. Placeholders stand for what comes from elsewhere.

// ErrLiteralPassword means that a connection string has a password that is not a placeholder.
var ErrLiteralPassword = errors.New("the connection string has a password in it, which whoever reads the config can read; " +
	"write {env.PGPASSWORD} or {file./run/secrets/postgres} in its place, or use PGPASSFILE or a client certificate")

var errMalformed = errors.New("the connection string is malformed; it is a URL such as postgres://edge@db.example.com/flowtrux, " +
	"or has keywords such as host=db.example.com user=edge dbname=flowtrux; other characters in a URL are percent-encoded")

// keywords are what a connection string may have: those of libpq that pgx takes, "ssl" as libpq
// takes it in URLs, and "database" as pgx does. pgx would send others to the server as settings.
var keywords = []string{
	"application_name", "channel_binding", "connect_timeout", "database", "dbname", "host", "krbspn", "krbsrvname", "max_protocol_version",
	"min_protocol_version", "options", "passfile", "password", "port", "require_auth", "service", "servicefile", "ssl", "sslcert", "sslcertmode",
	"sslkey", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "sslsni", "target_session_attrs", "user",
}

// checkKeyword rejects keywords that mean nothing, and values with which nothing can be written.
func (r *resolver) checkKeyword(keyword, value string) error {
	known := slices.Contains(keywords, keyword)
	if r.whole && !known {
		return errors.New("there is something in it that is not known")
	}
	if !known {
		return fmt.Errorf("connection string: %q is not known; known are %s. Settings of the server are set by options, "+
			"as in options='-c statement_timeout=60s'", keyword, strings.Join(keywords, ", "))
	}
	if keyword == "target_session_attrs" && slices.Contains([]string{"read-only", "standby", "prefer-standby"}, value) {
		return fmt.Errorf("connection string: target_session_attrs is %s, and the journal has to write; it takes read-write, primary or any", value)
	}
	return nil
}

// placeholder is what the values of a connection string may contain. In keyword form, values in
// quotes may have backslashes.
var placeholder = regexp.MustCompile(`\{[^{}\s'"\\]+\}`)

// ResolveConnection returns a connection string with the values of its placeholders, and
// ErrLiteralPassword for one with a password in it. The values are taken as they are, whatever
// characters they have. A string that is one placeholder stands for a whole connection string.
func ResolveConnection(text string, value func(placeholder string) (string, error)) (string, error) {
	if placeholder.FindString(text) == text && text != "" {
		return resolveWhole(text, value)
	}
	// Tokens without special characters stand for the placeholders while the string is taken apart.
	r := &resolver{value: value}
	text = placeholder.ReplaceAllStringFunc(text, r.token)
	var err error
	if scheme, rest, ok := cutScheme(text); ok {
		text, err = r.resolveURL(scheme, rest)
	} else {
		text, err = r.resolveKeywords(text)
	}
	if err != nil {
		return "", err
	}
	return text, r.err
}

// resolveWhole resolves a placeholder that stands for a whole connection string, which may have a
// password. It is not repeated in an error: what looks like a keyword may be a part of it.
func resolveWhole(placeholder string, value func(string) (string, error)) (string, error) {
	text, err := value(placeholder)
	if err != nil {
		return "", err
	}
	r := &resolver{whole: true}
	if scheme, rest, ok := cutScheme(text); ok {
		_, err = r.resolveURL(scheme, rest)
	} else {
		_, err = r.resolveKeywords(text)
	}
	if err != nil {
		return "", fmt.Errorf("what %s gives: %w", placeholder, err)
	}
	return text, nil
}

// resolver replaces tokens.
type resolver struct {
	whole        bool // the text is not of the configuration, and has no tokens
	value        func(string) (string, error)
	placeholders []string
	err          error
}

const (
	tokenStart = "\x01"
	tokenEnd   = "\x02"
)

var token = regexp.MustCompile(tokenStart + `([0-9]+)` + tokenEnd)

func (r *resolver) token(placeholder string) string {
	r.placeholders = append(r.placeholders, placeholder)
	return tokenStart + strconv.Itoa(len(r.placeholders)-1) + tokenEnd
}

// replace replaces the tokens in a part, each by its value in an encoding.
func (r *resolver) replace(part string, encode func(string) string) string {
	return token.ReplaceAllStringFunc(part, func(t string) string {
		n, err := strconv.Atoi(t[1 : len(t)-1])
		if err != nil || n >= len(r.placeholders) {
			r.err = errMalformed
			return ""
		}
		v, err := r.value(r.placeholders[n])
		if err != nil && r.err == nil {
			r.err = err
		}
		return encode(v)
	})
}

// isLiteral reports whether a secret is in the configuration.
func (r *resolver) isLiteral(secret string) bool {
	return !r.whole && token.ReplaceAllString(secret, "") != ""
}

// isSecret reports whether the value of a keyword is a secret.
func isSecret(keyword string) bool { return keyword == "password" || keyword == "sslpassword" }

func cutScheme(text string) (scheme, rest string, ok bool) {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			return scheme, rest, true
		}
	}
	return "", text, false
}

func (r *resolver) resolveURL(scheme, rest string) (string, error) {
	authority, path := rest, ""
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	user, host := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, host = authority[:at+1], authority[at+1:]
		if _, password, _ := strings.Cut(strings.TrimSuffix(user, "@"), ":"); r.isLiteral(password) {
			return "", ErrLiteralPassword
		}
	}
	path, query, _ := strings.Cut(path, "?")
	if strings.ContainsRune(path, '@') { // of a password with "/" in it, what is behind
		return "", errMalformed
	}
	for _, part := range strings.FieldsFunc(query, func(c rune) bool { return c == '&' || c == '#' }) {
		keyword, v, _ := strings.Cut(part, "=")
		keyword, err := url.QueryUnescape(keyword)
		if err != nil {
			return "", errMalformed
		}
		if isSecret(keyword) && r.isLiteral(v) {
			return "", ErrLiteralPassword
		}
		if err := r.checkKeyword(keyword, v); err != nil {
			return "", err
		}
	}
	out := scheme + r.replace(user, percentEncoded) + r.replace(host, asIs) + r.replace(path, asIs)
	if query != "" {
		out += "?" + r.replace(query, percentEncoded)
	}
	return out, nil
}

func asIs(s string) string { return s }

func percentEncoded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

const space = " \t\n\r\v\f"

// resolveKeywords takes "keyword = value" apart; a value may be in quotes, and have backslashes.
func (r *resolver) resolveKeywords(text string) (string, error) {
	var out []string
	for text = strings.TrimLeft(text, space); text != ""; text = strings.TrimLeft(text, space) {
		keyword, rest, ok := strings.Cut(text, "=")
		keyword = strings.Trim(keyword, space)
		if !ok || keyword == "" || strings.ContainsAny(keyword, space) {
			return "", errMalformed
		}
		value, rest, ok := cutValue(strings.TrimLeft(rest, space))
		if !ok {
			return "", errMalformed
		}
		if isSecret(keyword) && r.isLiteral(value) {
			return "", ErrLiteralPassword
		}
		if err := r.checkKeyword(keyword, value); err != nil {
			return "", err
		}
		value = r.replace(value, asIs)
		out = append(out, keyword+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)+"'")
		text = rest
	}
	return strings.Join(out, " "), nil
}

// cutValue cuts the value at the beginning of a text.
func cutValue(text string) (value, rest string, ok bool) {
	end := space
	if rest, quoted := strings.CutPrefix(text, "'"); quoted {
		text, end = rest, "'"
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case strings.IndexByte(end, c) >= 0:
			return b.String(), text[i+1:], true
		case c == '\\':
			if i++; i < len(text) {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", end == space
}
