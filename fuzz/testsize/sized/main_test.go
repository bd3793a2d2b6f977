package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSized: a test is sized that names what sizes tests, however far away.
func TestSized(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a_test.go": `package a
			var rounds = testsize.Of(1, 2, 3)
			type world struct{}
			func (w world) play() { for range rounds {} }
			func TestMain(m *testing.M) { testsize.Full() }
			func TestFar(t *testing.T) { t.Run("", func(t *testing.T) { world{}.play() }) }
			func TestNear(t *testing.T) { results.Start(t, "") }
			func TestShort(t *testing.T) { testing.Short() }
			func TestAlike(t *testing.T) { results.Close(); helper() }
			func TestSlow(t *testing.T) { _ = race }
			func helper() {}`,
		"b_test.go": "//go:build !race\n\npackage a\n\nconst race = false\n\nfunc TestBare(t *testing.T) {}\n",
		"a.go":      "package a\n\nfunc helper() { testsize.Of(1, 2, 3) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := sized(dir)
	if want := []string{"TestBare", "TestFar", "TestNear", "TestShort", "TestSlow"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
