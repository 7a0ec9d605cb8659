// Package floor is the cheapest program there can be for an archiver's job:
// what the machine makes anybody pay. An archiver's distance to its limit is
// then a ratio of two CPU times of one run.
//
// It does the work and nothing around it: no group, no commits, no names, no
// key filter, no retries, no memory budget, one topic that stands still.
//
//   - [Fetch] asks each broker for batches, as the brokers have them, and
//     throws them away.
//   - [Seal] checks each batch's CRC-32C, seals the batches of a partition's
//     answer with AES-256-GCM straight from the answer into the object, takes SHA-256
//     and CRC-32C of what was sealed, and sends each object of 16 MiB to every
//     store by one PUT with an unsigned payload and the CRC-32C in a header.
//
// What makes it cheap is what a program can do only if it has nothing else to
// care for. Answers are read into one buffer for ever, from a connection of
// its own: a Kafka client allocates, and so clears, memory for every answer.
// Objects are sent from where they were sealed, headers and body in one system
// call (writev): net/http copies a body through a buffer of 32 KiB, one system
// call each, and minio-go sits on net/http. Of minio-go it takes only the
// signature. Two objects are in hand at a time, one that fills and one that is
// sent to all stores side by side.
//
// Run it as a process of its own, so that the operating system's account of
// that process (rusage) is the figure.
package floor
