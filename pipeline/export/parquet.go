package export

import (
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// row tells the columns of a Parquet file. Only its tags count: the values are
// put together by hand, for a null and an empty key must stay two things.
type row struct {
	Topic         string   `parquet:"topic,dict"`
	Partition     int32    `parquet:"partition,dict"`
	Offset        int64    `parquet:"offset,delta"`
	Timestamp     int64    `parquet:"timestamp,timestamp(millisecond)"` // adjusted to UTC
	TimestampType string   `parquet:"timestamp_type,dict"`
	Key           []byte   `parquet:"key,optional"`
	Value         []byte   `parquet:"value,optional"`
	Headers       []header `parquet:"headers,list"`
}

type header struct {
	Key   []byte `parquet:"key"`
	Value []byte `parquet:"value,optional"`
}

// The columns as they are numbered in a file.
const (
	columnTopic = iota
	columnPartition
	columnOffset
	columnTimestamp
	columnTimestampType
	columnKey
	columnValue
	columnHeaderKey
	columnHeaderValue
)

// schema is that of Parquet files.
func schema() *parquet.Schema { return parquet.NewSchema("record", parquet.SchemaOf(row{})) }

// withoutBounds are the columns whose lowest and highest values are not kept:
// the footer would hold them whole, and a value may have megabytes.
var withoutBounds = [][]string{{"key"}, {"value"}, {"headers", "list", "element", "key"}, {"headers", "list", "element", "value"}}

// parquetFile writes rows and keeps at most one row group in memory.
type parquetFile struct {
	w         *parquet.Writer
	decoder   *recordbatch.Decoder
	topic     parquet.Value
	partition parquet.Value
	rows      [1]parquet.Row
	bytes     int // of the records in the row group
	n         int // and their number
}

func newParquet(topic string, partition int32, w io.Writer, d *recordbatch.Decoder) *parquetFile {
	options := []parquet.WriterOption{
		schema(),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.WriteBufferSize(bufferBytes),
		parquet.CreatedBy("tidemark", "1", "export"),
	}
	for _, path := range withoutBounds {
		options = append(options, parquet.SkipPageBounds(path...))
	}
	return &parquetFile{
		w: parquet.NewWriter(w, options...), decoder: d,
		topic:     parquet.ByteArrayValue([]byte(topic)).Level(0, 0, columnTopic),
		partition: parquet.Int32Value(partition).Level(0, 0, columnPartition),
	}
}

func (p *parquetFile) batch(b restore.Batch) error {
	kind, err := timestampType(b)
	if err != nil {
		return err
	}
	stamped := parquet.ByteArrayValue([]byte(kind)).Level(0, 0, columnTimestampType)
	for rec, err := range p.decoder.Records(b.Bytes) {
		if err != nil {
			return err
		}
		if err := p.record(rec, stamped); err != nil {
			return err
		}
	}
	return nil
}

func (p *parquetFile) record(rec recordbatch.Record, stamped parquet.Value) error {
	p.rows[0] = append(p.rows[0][:0],
		p.topic, p.partition,
		parquet.Int64Value(rec.Offset).Level(0, 0, columnOffset),
		parquet.Int64Value(rec.Timestamp).Level(0, 0, columnTimestamp),
		stamped,
		nullable(rec.Key, 0, 0, columnKey),
		nullable(rec.Value, 0, 0, columnValue))
	p.rows[0] = appendHeaderColumns(p.rows[0], rec.Headers)
	if _, err := p.w.WriteRows(p.rows[:]); err != nil {
		return err
	}
	p.n++
	p.bytes += len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		p.bytes += len(h.Key) + len(h.Value)
	}
	if p.bytes < rowGroupBytes && p.n < rowGroupRows {
		return nil
	}
	p.bytes, p.n = 0, 0
	return p.w.Flush()
}

// appendHeaderColumns appends the values of one column after those of the
// other. A list without elements is a value that is not defined.
func appendHeaderColumns(row parquet.Row, hs []recordbatch.RecordHeader) parquet.Row {
	if len(hs) == 0 {
		return append(row, parquet.Value{}.Level(0, 0, columnHeaderKey), parquet.Value{}.Level(0, 0, columnHeaderValue))
	}
	for i, h := range hs {
		row = append(row, parquet.ByteArrayValue(h.Key).Level(repeats(i), 1, columnHeaderKey))
	}
	for i, h := range hs {
		row = append(row, nullable(h.Value, repeats(i), 1, columnHeaderValue))
	}
	return row
}

// repeats is the repetition level of an element of a list: only the first one
// begins a row.
func repeats(i int) int { return min(i, 1) }

// nullable is a value whose optional column lies below others that are defined.
func nullable(b []byte, repetition, above, column int) parquet.Value {
	if b == nil {
		return parquet.Value{}.Level(repetition, above, column)
	}
	return parquet.ByteArrayValue(b).Level(repetition, above+1, column)
}

func (p *parquetFile) held() int { return p.bytes }

func (p *parquetFile) close() error { return p.w.Close() }
