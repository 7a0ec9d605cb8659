"""Prints a Parquet file as JSON lines, bytes in hex, as Apache Arrow reads it."""
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

file = pq.ParquetFile(sys.argv[1])
schema = file.schema_arrow
assert schema.field("timestamp").type == pa.timestamp("ms", tz="UTC"), schema
assert schema.field("key").type == pa.binary() and schema.field("key").nullable, schema
assert schema.field("offset").type == pa.int64() and not schema.field("offset").nullable, schema
assert pa.types.is_list(schema.field("headers").type), schema
assert file.metadata.row_group(0).column(6).compression == "ZSTD", file.metadata.row_group(0).column(6)
hexed = lambda b: None if b is None else b.hex()
for batch in file.iter_batches():
    times = batch.column("timestamp").cast(pa.int64()).to_pylist()
    for i, row in enumerate(batch.drop_columns(["timestamp"]).to_pylist()):
        print(json.dumps({
            "topic": row["topic"], "partition": row["partition"], "offset": row["offset"], "timestamp": times[i],
            "type": row["timestamp_type"], "key": hexed(row["key"]), "value": hexed(row["value"]),
            "headers": [[h["key"].hex(), hexed(h["value"])] for h in row["headers"]],
        }))
