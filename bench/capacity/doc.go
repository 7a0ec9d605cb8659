// Package capacity answers what an archive takes before it is built: cores and
// instances, memory, network, requests, stored bytes, money, the time to catch
// up and to come back, and what limits first.
//
// Three things go in. A [Profile] says what one event, byte, batch, segment and
// partition cost on a kind of machine; [ProfileOf] fits it to a result of the
// bench, and [Shipped] is one that comes with the program. A [Workload] is what
// a user has. [Prices] are a provider's. [Make] puts them together.
//
// Every formula stands in MODEL.md beside this file with where it comes from,
// and [CheckResult] holds the model against measurements: each point of a result
// is predicted by a profile that has not seen it.
//
// The model is one of steady states and averages. More rate never costs less:
// where a true effect would (a step to one instance more eases the memory of
// each), the model takes the dearer side.
package capacity
