package objectstest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
)

// Answer refuses every request of the method, with an error of S3's form.
func Answer(method string, status int, code string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != method {
				next.ServeHTTP(w, r)
				return
			}
			refuse(w, status, code)
		})
	}
}

// ApplyThenAnswer does the first request of the method, and answers that it
// failed.
func ApplyThenAnswer(method string, status int, code string) func(http.Handler) http.Handler {
	var done atomic.Bool
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != method || !done.CompareAndSwap(false, true) {
				next.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(httptest.NewRecorder(), r)
			refuse(w, status, code)
		})
	}
}

// Cut answers GETs with their body's first n bytes. Whether the connection
// breaks, or the length is announced as n as if that were all, is honest's to
// say.
func Cut(n int, honest bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				next.ServeHTTP(w, r)
				return
			}
			whole := httptest.NewRecorder()
			next.ServeHTTP(whole, r)
			body := whole.Body.Bytes()[:min(n, whole.Body.Len())]
			for name, v := range whole.Header() {
				w.Header()[name] = v
			}
			if !honest {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			}
			w.WriteHeader(whole.Code)
			w.Write(body)
			if honest {
				http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler) // the connection breaks here
			}
		})
	}
}

// RewriteRange answers GETs as if they had asked for another range; an empty
// one ignores ranges.
func RewriteRange(other string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			if other != "" {
				r.Header.Set("Range", other)
			}
			next.ServeHTTP(w, r)
		})
	}
}
