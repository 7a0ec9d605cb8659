package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// Classes of Kafka's own tools, for [JavaTool].
const (
	TopicTool            = "org.apache.kafka.tools.TopicCommand"
	ConfigTool           = "kafka.admin.ConfigCommand"
	ConsumerGroupTool    = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	DeleteRecordsTool    = "org.apache.kafka.tools.DeleteRecordsCommand"
	LeaderElectionTool   = "org.apache.kafka.tools.LeaderElectionCommand"
	ReassignTool         = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
	DumpLogTool          = "org.apache.kafka.tools.DumpLogSegments"
	MetadataQuorumTool   = "org.apache.kafka.tools.MetadataQuorumCommand"
	TransactionsTool     = "org.apache.kafka.tools.TransactionsCommand"
	ConsoleConsumerTool  = "org.apache.kafka.tools.consumer.ConsoleConsumer"
	ProducerPerfTestTool = "org.apache.kafka.tools.ProducerPerformance"
)

// JavaTool runs one of Kafka's command-line tools by its class name and returns
// what it printed. The error holds the end of its output.
func JavaTool(ctx context.Context, class string, args ...string) ([]byte, error) {
	jars, err := installKafka(ctx)
	if err != nil {
		return nil, err
	}
	argv := append([]string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}, javaArgs(jars)...)
	argv = append(append(argv, class), args...)
	command := exec.CommandContext(ctx, javaCommand(), argv...)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		said := append(out.Bytes(), problems.Bytes()...)
		return nil, fmt.Errorf("run %s: %w\n%s", class, err, lastLines(said, tailLines))
	}
	return out.Bytes(), nil
}

func javaArgs(jars string) []string {
	return []string{"-Dlog4j2.configurationFile=" + filepath.Join(jars, "log4j2.properties"), "-cp", filepath.Join(jars, "*")}
}

// logFileName is what the dump tool demands of a name.
var logFileName = regexp.MustCompile(`^\d+\.log$`)

// DumpLog runs Kafka's DumpLogSegments --print-data-log on a file of record
// batches, such as a decrypted segment body. The file may have any name.
func DumpLog(ctx context.Context, file string) ([]byte, error) {
	if !logFileName.MatchString(filepath.Base(file)) {
		dir, err := os.MkdirTemp("", "dump-log-")
		if err != nil {
			return nil, fmt.Errorf("dump %s: %w", file, err)
		}
		defer os.RemoveAll(dir)
		if file, err = linkAsLog(file, dir); err != nil {
			return nil, fmt.Errorf("dump log: %w", err)
		}
	}
	return JavaTool(ctx, DumpLogTool, "--print-data-log", "--files", file)
}

func linkAsLog(file, dir string) (string, error) {
	target, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	link := filepath.Join(dir, "00000000000000000000.log")
	return link, os.Symlink(target, link)
}
