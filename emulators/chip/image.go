package chip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// A chip as a file: magic8 version1 kind1 profile24 (filled with 00) length4, the memory, CRC-32C4 over all before it.
// Integers are big-endian. Keys are in it as they are in the memory: such a file is for training alone. [ours]
const (
	imageMagic   = "GREYCHIP"
	imageVersion = 1

	imageKind    = len(imageMagic) + 1
	imageProfile = imageKind + 1
	imageName    = 24
	imageLength  = imageProfile + imageName
	imageHead    = imageLength + 4
	imageSum     = 4
	maxImage     = 1 << 16 // the largest memory, see Open
)

// What may be wrong with an image file.
var (
	ErrMagic    = errors.New("不是芯片映像文件 (not a chip image)")
	ErrVersion  = errors.New("映像文件的版本不支持, 请用写它的程序版本 (unknown version of the image: use the program that wrote it)")
	ErrChecksum = errors.New("映像文件已损坏, 请用备份 (the image is damaged: use a copy)")
	ErrKind     = errors.New("映像是另一种芯片 (the image is of another kind of chip)")
	ErrProfile  = errors.New("映像属于另一卡片方案 (the image is of another card profile)")
)

// ImageKind is what a chip is.
type ImageKind byte

// Kinds of chips.
const (
	CardImage ImageKind = 1
	PSAMImage ImageKind = 2
)

// String names a kind as commands do.
func (k ImageKind) String() string {
	switch k {
	case CardImage:
		return "card"
	case PSAMImage:
		return "psam"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Image is the content of an image file.
type Image struct {
	Kind    ImageKind
	Profile string // name of the fuelcard profile, at most 24 bytes
	Memory  []byte
}

// Bytes is the file. It panics for a name or a memory that the file has no room for, which no profile or chip of ours has.
func (i Image) Bytes() []byte {
	if len(i.Profile) > imageName || len(i.Memory) > maxImage {
		panic(fmt.Sprintf("chip: image of profile %q with %d bytes", i.Profile, len(i.Memory)))
	}
	b := make([]byte, imageHead, imageHead+len(i.Memory)+imageSum)
	copy(b, imageMagic)
	b[len(imageMagic)], b[imageKind] = imageVersion, byte(i.Kind)
	copy(b[imageProfile:imageLength], i.Profile)
	binary.BigEndian.PutUint32(b[imageLength:], uint32(len(i.Memory)))
	b = append(b, i.Memory...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// ParseImage reads a file: ErrMagic, ErrVersion, ErrChecksum (also for a file cut short or with more behind it), ErrKind
// for a kind that is neither card nor PSAM.
func ParseImage(b []byte) (i Image, err error) {
	switch {
	case len(b) < imageProfile || string(b[:len(imageMagic)]) != imageMagic:
		return i, ErrMagic
	case b[len(imageMagic)] != imageVersion:
		return i, fmt.Errorf("%w: %d", ErrVersion, b[len(imageMagic)])
	case len(b) < imageHead+imageSum:
		return i, ErrChecksum
	}
	end := len(b) - imageSum
	if uint64(binary.BigEndian.Uint32(b[imageLength:])) != uint64(end-imageHead) ||
		crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return i, ErrChecksum
	}
	i.Kind, i.Profile = ImageKind(b[imageKind]), string(bytes.TrimRight(b[imageProfile:imageLength], "\x00"))
	if i.Kind != CardImage && i.Kind != PSAMImage {
		return i, fmt.Errorf("%w: %v", ErrKind, i.Kind)
	}
	i.Memory = append([]byte(nil), b[imageHead:end]...)
	return i, nil
}

// LoadImage reads an image file of a kind and, unless profile is empty, of a profile: errors of ParseImage, ErrKind,
// ErrProfile, or of the file system.
func LoadImage(path string, kind ImageKind, profile string) (Image, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Image{}, fmt.Errorf("chip: 读映像文件 (reading an image): %w", err)
	}
	i, err := ParseImage(b)
	switch {
	case err != nil:
	case i.Kind != kind:
		err = fmt.Errorf("%w: %v, %v", ErrKind, i.Kind, kind)
	case profile != "" && i.Profile != profile:
		err = fmt.Errorf("%w: %s, %s", ErrProfile, i.Profile, profile)
	}
	if err != nil {
		return Image{}, fmt.Errorf("chip: %s: %w", path, err)
	}
	return i, nil
}

// Save writes the file whole or not at all: beside it, to the disk, then in its place. Only its owner may read it.
func (i Image) Save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("chip: 写映像文件 (writing an image): %w", err)
	}
	_, err = f.Write(i.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if shut := f.Close(); err == nil {
		err = shut
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("chip: 写映像文件 %s (writing an image): %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// Mem is a memory with the image's content.
func (i Image) Mem() *Mem {
	m := NewMem(len(i.Memory))
	copy(m.cells, i.Memory)
	return m
}

// Filed is a memory that is a file: every write is on the disk before it returns, so that a program killed anywhere leaves
// a chip torn at that write and no more. It is not safe for concurrent use.
type Filed struct {
	*Mem
	path  string
	image Image
}

// OpenFiled opens an image file as the memory of a chip; errors of LoadImage.
func OpenFiled(path string, kind ImageKind, profile string) (*Filed, error) {
	i, err := LoadImage(path, kind, profile)
	if err != nil {
		return nil, err
	}
	return &Filed{Mem: i.Mem(), path: path, image: i}, nil
}

// Profile is the name of the profile that the image was made for.
func (f *Filed) Profile() string { return f.image.Profile }

// Write stores b at off, in the file too. ErrWorn: the file could not be written and holds the old state.
func (f *Filed) Write(off int, b []byte) error {
	if err := f.bounds(off, len(b)); err != nil {
		return err
	}
	old := append([]byte(nil), f.cells[off:off+len(b)]...)
	err := f.Mem.Write(off, b)
	if errors.Is(err, ErrWorn) {
		return err
	}
	f.image.Memory = f.cells
	if bad := f.image.Save(f.path); bad != nil {
		copy(f.cells[off:], old)
		return fmt.Errorf("%w: %w", ErrWorn, bad)
	}
	return err
}
