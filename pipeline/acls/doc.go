// Package acls keeps the access rules of a Kafka cluster beside the topics, and
// gives them back on request.
//
// Every so often all rules are described, and where they differ from what was
// kept last they are written down anew under acls/: those of topics, consumer
// groups, transactional ids, delegation tokens, users and the cluster, literal
// and prefixed. A cluster without an authorizer has none; that is written down
// too, once.
//
// A restore only adds: rules that the target has and the archive has not stay.
package acls
