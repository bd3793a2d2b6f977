package main

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A connection may contain a password. So a text that looks like one, whether it works or
// not, is never printed. It is never taken for the name of a file either, because the
// file would be made under that name.

// schemed is a name that begins as a URL does, with any scheme, or that has a user and a
// password in front of a host, as in a URL from which the scheme was left out.
var schemed = regexp.MustCompile(`(?is)^([a-z][a-z0-9+.-]+://|(jdbc:)?(postgres(ql)?|pgsql):|` + colonPassword + `|` + slashPassword + `)`)

// The ways to write a password in front of a host. A colon divides it from the user, who
// may be left out: USER:PASSWORD@HOST. Only the drive of a path has a colon and then a
// slash. Other databases divide with a slash, USER/PASSWORD@HOST:PORT/NAME or
// USER/PASSWORD@NAME; a path is told from that by the point in its last part, or by a
// first part that is a point.
const (
	colonPassword = `[^/\\@=]*:([^/\\].*)?@|[^/\\@=]{2,}:.*@`
	slashPassword = `[^/\\@\s=]*[^/\\@\s=.][^/\\@\s=]*/[^/\\@]+@(//|[^/\\@\s]*:\d|[^/\\@\s.]*/?$)`
)

// parametric is a name with a parameter of libpq anywhere in it: the first one may be
// misspelt, or one of the server's. Other databases have such parameters with semicolons
// between them, and a URL has them behind a question mark.
var parametric = regexp.MustCompile(`(?i)(^|[\s;,&?])(` + strings.Join([]string{
	"application_name", "channel_binding", "client_encoding", "connect_timeout", "database", "dbname", "default_query_exec_mode", "fallback_application_name",
	"gssdelegation", "gssencmode", "gsslib", "host", "hostaddr", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval",
	"krbsrvname", "load_balance_hosts", "max_protocol_version", "min_protocol_version", "options", "passfile", "password", "passwd", "pwd", "pgpassword", "pgpass",
	"port", "replication", "require_auth", "requirepeer", "schema", "search_path", "service", "servicefile", `ssl[a-z_]+`,
	"server", "target_session_attrs", "tcp_user_timeout", "uid", "user", `user\s*id`, `data\s*source`, `pool_[a-z_]+`, `[a-z]+_cache_capacity`,
}, "|") + `)\s*=|(^|[\s;,&?{"])(pass(word|wd)|pwd)"?\s*:`)

// isConnection reports whether a name means a database and not a file. A file of such a
// name can be given as ./NAME.
func isConnection(name string) bool {
	name = strings.TrimSpace(name)
	return schemed.MatchString(name) || parametric.MatchString(name)
}

// connectionText returns a connection in a form that pgx reads; false if it cannot be one
// to PostgreSQL.
func connectionText(name string) (string, bool) {
	name = strings.TrimSpace(name)
	if !schemed.MatchString(name) {
		return name, true
	}
	scheme, rest, ok := strings.Cut(name, "://")
	scheme = strings.ToLower(scheme)
	return scheme + "://" + rest, ok && (scheme == "postgres" || scheme == "postgresql")
}

// secret matches what must not be printed about the way to a database, even where
// somebody put it by mistake.
var secret = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]+://[^\s"']*|\b(postgres(ql)?|pgsql):[^\s"']+|[^\s"'/:@]*:[^\s"'/@]*@[^\s"'/@]*(/|:\d)[^\s"']*|\b[a-z]*(password|passwd|pwd)\s*=\s*('(\\.|[^'\\])*'|[^\s"']+)`)

// suspect matches the name of a file that may be half a connection. The name is used, but
// not printed.
var suspect = regexp.MustCompile(`:[^\s"'/@]+@|[^/]/[^/@]+@[^/@]*(:\d|/)`)

// withoutSecrets takes out of a text what it quotes of connections on the command line.
func withoutSecrets(text string, args []string) string {
	for _, arg := range args {
		value := arg
		if strings.HasPrefix(arg, "--") {
			_, value, _ = strings.Cut(arg, "=")
		}
		forms := []string{value, strings.TrimSpace(value)}
		switch clean := filepath.Clean(value); {
		case isConnection(value):
		case secret.MatchString(value), secret.MatchString(clean), suspect.MatchString(value), suspect.MatchString(clean): // as a file's name, or its directory's
			forms = []string{value, clean, filepath.Dir(clean)}
		default:
			continue
		}
		for _, form := range forms {
			if form == "." || form == "/" {
				continue
			}
			quoted := strconv.Quote(form)
			text = strings.ReplaceAll(strings.ReplaceAll(text, form, "…"), quoted[1:len(quoted)-1], "…")
		}
	}
	return secret.ReplaceAllString(text, "…")
}
