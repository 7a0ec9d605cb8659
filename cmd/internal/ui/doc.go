// Package ui is how tidemark's verbs speak to a person: a line of progress on a
// terminal, aligned tables, moments and sizes. Nothing here is meant for
// programs to read; they get --json.
//
// What comes from outside, topic names and errors, is made printable first, so
// that it can neither move the cursor nor begin a line of its own.
package ui
