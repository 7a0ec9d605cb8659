package config

import "time"

// The limits on what may be asked for. Outside of them a value is a slip of
// the pen, not a wish.
const (
	// minSegment keeps a footer from outweighing the data it describes.
	minSegment Size = 1 << 10
	// maxSegment is what one PUT and one retry of it may reasonably carry.
	maxSegment Size = 1 << 30
	// maxBlock is what a reader must hold in memory to open one block.
	maxBlock Size = 64 << 20
	// maxRecord is below the largest response a Kafka client accepts, 2 GiB.
	maxRecord Size = 1 << 30
	// minIndex is four times what Badger wants for its logs and compactions.
	minIndex Size = 512 << 20
	// maxIndex is above any disk of one machine.
	maxIndex Size = 1 << 50
	// minAge still lets a PUT to a far region finish before the next begins.
	minAge = Duration(100 * time.Millisecond)
	// maxAge bounds how much a crash has to fetch again.
	maxAge = Duration(24 * time.Hour)
	// minSession and maxSession are the brokers' own default limits
	// (group.min.session.timeout.ms, group.max.session.timeout.ms).
	minSession = Duration(6 * time.Second)
	maxSession = Duration(30 * time.Minute)
	// maxWait keeps a long poll well within the brokers' idle limits.
	maxWait = Duration(30 * time.Second)
	// maxGrace is the longest a supervisor is usually willing to wait.
	maxGrace = Duration(time.Hour)
	// minRetention and maxRetention are those of S3 Object Lock: a day, a century.
	minRetention = Duration(24 * time.Hour)
	maxRetention = Duration(100 * 365 * 24 * time.Hour)
	// minWindow is for trials; maxWindow keeps what a restore of an hour has to
	// look at within bounds.
	minWindow = Duration(time.Second)
	maxWindow = Duration(31 * 24 * time.Hour)
	// maxAfter is as much as a small segment may be locked.
	maxAfter = maxRetention
	// minRollUp and maxRollUp: below, there is nothing to gain; above, one PUT
	// does not carry it (S3's limit is 5 GiB).
	minRollUp Size = 1 << 20
	maxRollUp Size = 4 << 30
	// maxFile keeps a wrong path (a log, a disk image) from filling memory.
	maxFile = 1 << 20
	// maxSecretFile is far above any password or token.
	maxSecretFile = 64 << 10
	// maxListLength bounds the numbers in TIDEMARK_TOPICS_<n>_NAME.
	maxListLength = 10_000
)

// Default returns the configuration of an empty file. It is not complete:
// regions have no default.
func Default() *Config {
	return &Config{
		Archive: Archive{TrustFile: "trust.json", SigningKeyFile: "archive.key"},
		Kafka: Kafka{
			ClientID: "tidemark",
			Group:    "tidemark",
			Balancer: BalancerCooperative,
			// A dead member's partitions stand still for this long. 10 s is four
			// times faster than Kafka's own 45 s and still survives a pause of
			// several seconds of a busy machine.
			SessionTimeout: Duration(10 * time.Second),
		},
		Segment: Segment{
			// Large enough that requests cost less than bytes, small enough that
			// many partitions share the memory budget.
			Size: 16 << 20,
			// What a crash makes us fetch again, and how late a copy may be.
			Age: Duration(10 * time.Second),
			// The unit of a ranged read and of erasure. A search decompresses all
			// of a block for one record in it, and filters over few keys are
			// made in less time; below this, what a block costs begins to count.
			Block:       256 << 10,
			Compression: CompressionZstd,
			KeyFilter:   true,
		},
		Memory: 256 << 20,
		Fetch:  defaultFetch(),
		// Small segments are locked briefly: roll-ups carry the long lock.
		Retention: Retention{Mode: RetentionNone, For: Duration(7 * 24 * time.Hour)},
		RollUp: RollUp{
			// 64 partitions make 64 objects a day of it, where they are small.
			Window: Duration(24 * time.Hour),
			// When the small segments' locks are over.
			After: Duration(7 * 24 * time.Hour),
			// A file of this size waits on disk while it is stored.
			Size: 1 << 30,
			// Seven years, what most books have to be kept.
			Retain: Duration(2555 * 24 * time.Hour),
		},
		// Offsets are small, and cannot be had any more when they are missed.
		Marks: Marks{Every: Duration(time.Minute), Groups: []GroupChoice{{Pattern: ".*"}}},
		// Schemas and access rules change by the day: minutes are soon enough.
		SchemaRegistry: SchemaRegistry{Every: Duration(5 * time.Minute)},
		ACLs:           ACLs{Every: Duration(15 * time.Minute)},
		Drill: Drill{
			// A hundred days of daily drills read each segment once, about.
			Sample: 0.01,
			Prefix: "tidemark-drill-",
			// Far below what a region gives, so that archiving does not notice.
			MaxRate: 16 << 20,
			// The time that the project holds itself to, and six segments of the
			// default age.
			RecoveryTime:  Duration(15 * time.Second),
			RecoveryPoint: Duration(time.Minute),
		},
		StateDir: "state",
		// The key filters of some 1.2 billion records.
		Index: Index{MaxSize: 2 << 30},
		// Kubernetes' terminationGracePeriodSeconds is 30 s by default.
		ShutdownGrace: Duration(30 * time.Second),
		Telemetry: Telemetry{
			// Loopback: metrics name topics, and nobody asked to publish them.
			Listen:    "127.0.0.1:9464",
			LogLevel:  LevelInfo,
			LogFormat: LogJSON,
		},
	}
}

func defaultFetch() Fetch {
	return Fetch{
		// Half a second of patience lets idle topics be quiet, a mebibyte of
		// appetite keeps busy ones from answering in crumbs.
		MaxWait:           Duration(500 * time.Millisecond),
		MinBytes:          1 << 20,
		MaxBytes:          16 << 20,
		MaxPartitionBytes: 4 << 20,
		// Above the largest message.max.bytes commonly seen, 20 MB.
		MaxRecordBytes: 32 << 20,
	}
}
