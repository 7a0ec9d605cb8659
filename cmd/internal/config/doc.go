// Package config reads tidemark's configuration: one YAML file, checked
// strictly, with every value open to the environment.
//
// Load does four things in this order and touches nothing but the files it
// reads:
//
//  1. It takes the defaults (defaults.go, each with its reason).
//
//  2. It reads the file. An unknown key, a key given twice, a value of the
//     wrong type is an error that names the file, the line and the key.
//
//  3. It applies the environment: TIDEMARK_ and the key's path in upper case,
//     joined by underscores. Places in a list are numbers from 0, and a list of
//     plain texts is separated by commas:
//
//     kafka.brokers         TIDEMARK_KAFKA_BROKERS=a:9092,b:9092
//     segment.size          TIDEMARK_SEGMENT_SIZE=32MiB
//     regions[0].url        TIDEMARK_REGIONS_0_URL=s3://orders/archive
//     kafka.sasl.password   TIDEMARK_KAFKA_SASL_PASSWORD_FILE=/run/secrets/kafka
//
//     A TIDEMARK_ variable that names no key is an error: it is a misspelt one.
//
//  4. It reads the secrets that stand in files of their own, turns relative
//     paths into paths beside the configuration file, and applies the rules of
//     validate.go.
//
// What one verb needs and another does not (Kafka, for one: `tidemark verify`
// works without it) is asked for by Config.NeedKafka, NeedTopics and
// NeedSigningKey.
package config
