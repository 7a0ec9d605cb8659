package floor

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"

	"golang.org/x/sync/errgroup"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sink seals into one object while the one before goes to the stores.
type sink struct {
	job    *job
	prefix string // nobody else's: every run writes new objects
	aead   cipher.AEAD
	// digest is here so that nothing can leave the hash out.
	digest [sha256.Size]byte
	crc    uint32 // of out
	out    []byte
	spare  chan []byte // the object buffer that is not being filled
	puts   *errgroup.Group
	lanes  []*lane // one a store
	count  int
}

func newSink(ctx context.Context, j *job) (*sink, error) {
	var key [32]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("make AES-256: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make AES-256-GCM: %w", err)
	}
	k := &sink{job: j, prefix: "floor/" + rand.Text() + "/", aead: aead, spare: make(chan []byte, 1), puts: &errgroup.Group{}}
	size := j.ObjectSize + int(j.PartitionBytes) + aead.Overhead()
	k.out = make([]byte, 0, size)
	k.spare <- make([]byte, 0, size)
	for i := range j.Stores {
		l, err := j.Stores[i].dial(ctx)
		if err != nil {
			k.close()
			return nil, err
		}
		k.lanes = append(k.lanes, l)
	}
	return k, nil
}

func (k *sink) close() {
	for _, l := range k.lanes {
		l.close()
	}
}

// seal adds the batches of one partition's answer to the object.
func (k *sink) seal(batches []byte) error {
	from := len(k.out)
	k.out = k.aead.Seal(k.out, nil, batches, k.digest[:])
	sealed := k.out[from:]
	k.digest = sha256.Sum256(sealed)
	k.crc = crc32.Update(k.crc, castagnoli, sealed)
	if len(k.out) < k.job.ObjectSize {
		return nil
	}
	return k.flush()
}

// flush hands the object to the stores once the one before is there.
func (k *sink) flush() error {
	if err := k.wait(); err != nil {
		return err
	}
	body, crc, key := k.out, k.crc, fmt.Sprintf("%s%06d", k.prefix, k.count)
	k.out, k.crc = <-k.spare, 0
	k.count++
	for _, l := range k.lanes {
		k.puts.Go(func() error { return l.put(key, body, crc) })
	}
	k.job.objects.Add(1)
	k.job.stored.Add(int64(len(body)))
	k.spare <- body[:0]
	return nil
}

func (k *sink) wait() error {
	err := k.puts.Wait()
	k.puts = &errgroup.Group{}
	return err
}

// finish stores the last object and waits for it.
func (k *sink) finish() error {
	if len(k.out) > 0 {
		if err := k.flush(); err != nil {
			return err
		}
	}
	return k.wait()
}
