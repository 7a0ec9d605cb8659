package objects

import (
	"context"
	"fmt"
	"iter"

	"github.com/minio/minio-go/v7"

	"github.com/tidemark-io/tidemark/codec/object"
)

// List implements Reader. minio-go ends a listing without an error when the
// context is over, which would look like the end of the objects, so that is
// asked for here. So is the order, which some stores do not keep.
func (s *S3) List(ctx context.Context, prefix, after string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := checkPrefix(prefix); err != nil {
			yield(object.Info{}, invalid(s.Name(), "list", prefix, err))
			return
		}
		last := after
		for o := range s.client.ListObjectsIter(ctx, s.bucket, s.listOptions(prefix, after)) {
			info, err := s.listed(ctx, prefix, last, o)
			if !yield(info, err) || err != nil {
				return
			}
			last = info.Key
		}
		if err := ended(ctx); err != nil {
			yield(object.Info{}, err)
		}
	}
}

func (s *S3) listOptions(prefix, after string) minio.ListObjectsOptions {
	o := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true, MaxKeys: listPage}
	if after != "" {
		o.StartAfter = s.prefix + after
	}
	return o
}

// listed checks one entry of a listing against the one before.
func (s *S3) listed(ctx context.Context, prefix, last string, o minio.ObjectInfo) (object.Info, error) {
	if o.Err != nil {
		return object.Info{}, s.fail(ctx, "list", prefix, o.Err)
	}
	info := s.info(o)
	if info.Key <= last {
		return object.Info{}, &Error{Op: "list", Key: prefix, Store: s.Name(), Code: CodeUnordered, Kind: ErrCorrupt,
			Err: fmt.Errorf("%q comes after %q", info.Key, last), Hint: "the store must list keys in byte order"}
	}
	return info, nil
}

// Versions implements Deleter.
func (s *S3) Versions(ctx context.Context, key string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := s.begin(ctx, "versions", key); err != nil {
			yield(object.Info{}, err)
			return
		}
		opts := minio.ListObjectsOptions{Prefix: s.prefix + key, Recursive: true, WithVersions: true, MaxKeys: listPage}
		for o := range s.client.ListObjectsIter(ctx, s.bucket, opts) {
			if o.Err != nil {
				yield(object.Info{}, s.fail(ctx, "versions", key, o.Err))
				return
			}
			// The key itself sorts before all others that begin with it.
			if o.Key != s.prefix+key || !yield(s.info(o), nil) {
				return
			}
		}
		if err := ended(ctx); err != nil {
			yield(object.Info{}, err)
		}
	}
}

// DeleteVersion implements Deleter. A deletion that names no version is
// refused: S3 would hide the object under a delete marker and call it done. An
// unversioned bucket calls its only version "null".
func (s *S3) DeleteVersion(ctx context.Context, key, version string) error {
	if err := s.begin(ctx, "delete", key); err != nil {
		return err
	}
	if version == "" {
		return unnamedVersion(s.Name(), key)
	}
	err := s.client.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{VersionID: version})
	if err == nil {
		return nil
	}
	return s.deleteError(s.fail(ctx, "delete", key, err))
}
