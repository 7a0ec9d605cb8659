package capacity

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"maps"
)

// Prices are a provider's, in one currency. What is left out costs nothing.
type Prices struct {
	Name     string `yaml:"name" json:"name"`
	Currency string `yaml:"currency" json:"currency"`
	AsOf     string `yaml:"as_of" json:"as_of"` // the day they were true
	// Example marks prices that nobody should budget with.
	Example bool `yaml:"example" json:"example"`

	Put1000  float64 `yaml:"put_per_1000" json:"put_per_1000"`
	Get1000  float64 `yaml:"get_per_1000" json:"get_per_1000"`
	List1000 float64 `yaml:"list_per_1000" json:"list_per_1000"`
	// Storage is for a GB (10⁹ bytes) and month, by class.
	Storage map[string]float64 `yaml:"storage_per_gb_month" json:"storage_per_gb_month"`
	// CrossRegion is for a GB from one region to the other, Egress for one out
	// of the provider's network.
	CrossRegion  float64 `yaml:"cross_region_per_gb" json:"cross_region_per_gb"`
	Egress       float64 `yaml:"egress_per_gb" json:"egress_per_gb"`
	KMS10000     float64 `yaml:"kms_per_10000" json:"kms_per_10000"`
	KMSKeyMonth  float64 `yaml:"kms_key_month" json:"kms_key_month"`
	VCPUHour     float64 `yaml:"vcpu_hour" json:"vcpu_hour"`
	GiBHour      float64 `yaml:"gib_hour" json:"gib_hour"`
	RequestLimit float64 `yaml:"put_per_second_and_prefix" json:"put_per_second_and_prefix"`
	KMSLimit     float64 `yaml:"kms_per_second" json:"kms_per_second"`
}

// ReadPrices reads a price table, strictly.
func ReadPrices(r io.Reader) (Prices, error) {
	var p Prices
	if err := readYAML(r, &p); err != nil {
		return Prices{}, fmt.Errorf("read prices: %w", err)
	}
	if err := p.validate(); err != nil {
		return Prices{}, fmt.Errorf("read prices: %w", err)
	}
	return p, nil
}

// ReadPricesFile reads the price table in a file.
func ReadPricesFile(name string) (Prices, error) {
	f, err := os.Open(name)
	if err != nil {
		return Prices{}, fmt.Errorf("read prices: %w", err)
	}
	defer f.Close()
	return ReadPrices(f)
}

// ExamplePrices is the text of a price table to be copied and replaced.
func ExamplePrices() ([]byte, error) { return exampleFiles.ReadFile("examples/prices.yaml") }

func (p Prices) validate() error {
	var errs []error
	for name, v := range map[string]float64{
		"put_per_1000": p.Put1000, "get_per_1000": p.Get1000, "list_per_1000": p.List1000, "cross_region_per_gb": p.CrossRegion,
		"egress_per_gb": p.Egress, "kms_per_10000": p.KMS10000, "kms_key_month": p.KMSKeyMonth, "vcpu_hour": p.VCPUHour, "gib_hour": p.GiBHour,
		"put_per_second_and_prefix": p.RequestLimit, "kms_per_second": p.KMSLimit,
	} {
		if !(v >= 0) {
			errs = append(errs, fmt.Errorf("%s: below zero", name))
		}
	}
	if len(p.Storage) == 0 {
		errs = append(errs, errors.New("storage_per_gb_month: no class"))
	}
	for class, v := range p.Storage {
		if !(v >= 0) {
			errs = append(errs, fmt.Errorf("storage_per_gb_month.%s: below zero", class))
		}
	}
	return errors.Join(errs...)
}

// class returns the price of a storage class.
func (p Prices) class(name string) (float64, error) {
	if v, ok := p.Storage[name]; ok {
		return v, nil
	}
	return 0, fmt.Errorf("the price table has no storage class %q, only %s", name, strings.Join(slices.Sorted(maps.Keys(p.Storage)), ", "))
}
