// Package runs sorts more than memory holds: pairs of a key and a value, each
// key once, in the order of the keys.
//
// A [Sorter] collects pairs in memory. A value put under a key that is there
// already is folded into it, so that what changes often needs room once. When
// its memory is used up it writes all it has as a sorted run and begins anew.
// [Merge] yields the pairs of all runs and of what is still in memory, in order,
// with values of the same key folded in the order in which they were put.
//
// # On disk
//
// A run is a file below the directory given, mode 0600, in blocks of about 64
// KiB, each sealed with AES-256-GCM under a key that exists only in this
// process. Its name is taken away as soon as it is open (where the system lets
// that be), so nothing of it outlives the process; a name that a crash left
// behind is removed by the next [Open], and nobody can read that file.
//
// # Why not Badger
//
// Every pair is written at most once, in bulk, and read in order: nothing of a
// log-structured store is needed but the merge. Badger takes 9 µs of CPU for a
// small put where a run takes less than one, it maps its files, so that a full
// disk is a signal and not an error, and what it has deleted stays readable in
// old files.
package runs
