// Package harness measures tidemark as a whole: this program's archiver, on a
// Kafka cluster and two object stores that anybody may look at.
//
// A [Spec] says what a point measures; [Sweep] has the published ones, by
// name. A [Runner] carries specs out, one after the other:
//
//	load      a child process produces the topic and says what the broker
//	          acknowledged (bench/load)
//	archive   the program runs as a child process, with an archive of its own
//	account   the operating system says what each process took
//	count     what landed is read at the stores, with no help of the archiver
//	          (bench/landed)
//	verdict   "valid", or the rules that were broken
//
// Nothing is taken from the archiver's word but the number of its requests,
// and of these the PUTs are held against the stores' listings.
//
// Whoever runs it hands in the [Servers]: those that are there, or some that
// were started for it. It removes what it has written, and needs Linux for the
// account of processes; elsewhere points lack it and say so.
package harness
