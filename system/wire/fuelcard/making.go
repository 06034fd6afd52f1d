package fuelcard

// What a made card holds, as data: card making sends these commands in this order, and the key names tell which key
// goes where (Keys). Source: card.md 3.1, section 11; access bytes adr/0003.

// keyBits of a file: plain read, written under key id 00 (DAMK). Source: card.md section 11.
const keyBits byte = 0x83

// Sizes of DFs and key files, enough for every file and key here with room to spare.
const (
	spaceADF     = 0x0600
	spaceKeyFile = 0x0200
)

// MFFiles are the files that card making adds to the MF of a blank, under the MF's master state: DIR only. The MF and its
// key file are on the blank.
func (p Profile) MFFiles() []CreateFile {
	return []CreateFile{
		{FIDDir, BinarySpec{Kind: KindVariable, Length: 0x40, Read: free, Write: onlyMaster, KeyBits: keyBits}.Bytes()},
	}
}

// DirRecord is the entry of DIR for the petrol application: 61 len 4F len AID 50 len label.
func (p Profile) DirRecord() []byte {
	label := p.AIDPetrol[5:]
	b := []byte{0x61, byte(4 + len(p.AIDPetrol) + len(label)), 0x4F, byte(len(p.AIDPetrol))}
	b = append(append(b, p.AIDPetrol...), 0x50, byte(len(label)))
	return append(b, label...)
}

// PetrolDF creates the petrol application; it and what follows in it is personalisation until it is left.
func (p Profile) PetrolDF() CreateFile {
	return CreateFile{FIDPetrol, DFSpec{Space: spaceADF, Create: onlyMaster, Erase: onlyMaster, SFI: 0x80 | SFIPublic, Name: p.AIDPetrol}.Bytes()}
}

// KeyFile creates the key file of a DF; it must be there before the first WRITE KEY.
func (p Profile) KeyFile() CreateFile {
	return CreateFile{FIDKeys, KeyFileSpec{Length: spaceKeyFile, SFI: 0, Add: onlyMaster}.Bytes()}
}

// PetrolFiles are the files of the petrol application, in order: public, holder, ordinary, limits, log, ED.
func (p Profile) PetrolFiles() []CreateFile {
	return []CreateFile{
		{FIDPublic, BinarySpec{KindBinaryMAC, PublicLength, free, free, keyBits}.Bytes()},
		{FIDHolder, BinarySpec{KindBinaryMAC, HolderLength, free, free, keyBits}.Bytes()},
		{FIDOrdinary, BinarySpec{KindBinary, OrdinaryLength, free, free, keyBits}.Bytes()},
		{FIDLimits, BinarySpec{KindBinaryMAC, LimitsLength, free, free, keyBits}.Bytes()},
		{FIDLog, CyclicSpec{Count: LogRecords, Length: LogLength, Read: afterPIN, Write: never, KeyBits: keyBits}.Bytes()},
		{FIDED, PurseSpec{Use: free, LogSFI: SFILog}.Bytes()},
	}
}

// NoLimits is file 001C of a card without limits. Source: card.md 3.5.
func NoLimits() Limits {
	l := Limits{Products: 0xFFFF, RegionMode: RegionAny, PerFill: 0xFFFF, FillsPerDay: 0xFF, FenPerDay: 0xFFFFFFFF}
	for _, part := range [][]byte{l.Regions[:], l.Plate[:1], l.Reserved[:]} {
		for i := range part {
			part[i] = 0xFF
		}
	}
	return l
}
