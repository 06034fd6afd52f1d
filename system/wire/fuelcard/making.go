package fuelcard

// What a made card holds, as data: card making sends these commands in this order, and the key names tell which key
// goes where (Keys). Source: card.md 3.1, section 11; access bytes adr/0003.

// keyBits of a file: plain read, written under key id 00 (DAMK). Source: card.md section 11.
const keyBits byte = 0x83

// Sizes of DFs, key files and DIR, enough for every file and key here with room to spare.
const (
	spaceADF     = 0x0600
	spaceKeyFile = 0x0200
	dirLength    = 0x60 // two entries of the longest AIDs
)

// MFFiles are the files that card making adds to the MF of a blank, under the MF's master state: DIR only. The MF and its
// key file are on the blank.
func (p Profile) MFFiles() []CreateFile {
	return []CreateFile{
		{FIDDir, BinarySpec{Kind: KindVariable, Length: dirLength, Read: free, Write: onlyMaster, KeyBits: keyBits}.Bytes()},
	}
}

// DirRecord is the entry of DIR for the petrol application: 61 len 4F len AID 50 len label.
func (p Profile) DirRecord() []byte { return dirRecord(p.AIDPetrol) }

// LoyaltyDirRecord is the entry of DIR for the loyalty application.
func (p Profile) LoyaltyDirRecord() []byte { return dirRecord(p.AIDLoyalty) }

// dirRecord has what follows the registered provider of an AID as its label.
func dirRecord(aid []byte) []byte {
	label := aid[len(rid):]
	b := []byte{0x61, byte(4 + len(aid) + len(label)), 0x4F, byte(len(aid))}
	b = append(append(b, aid...), 0x50, byte(len(label)))
	return append(b, label...)
}

// PetrolDF creates the petrol application; it and what follows in it is personalisation until it is left.
func (p Profile) PetrolDF() CreateFile { return application(FIDPetrol, p.AIDPetrol) }

// LoyaltyDF creates the loyalty application, likewise.
func (p Profile) LoyaltyDF() CreateFile { return application(FIDLoyalty, p.AIDLoyalty) }

func application(fid uint16, aid []byte) CreateFile {
	return CreateFile{fid, DFSpec{Space: spaceADF, Create: onlyMaster, Erase: onlyMaster, SFI: 0x80 | SFIPublic, Name: aid}.Bytes()}
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

// LoyaltyFiles are the files of the loyalty application, in order: public, holder, ordinary, log, EP. Source: card.md 3.1;
// their rights as in the petrol application [ours].
func (p Profile) LoyaltyFiles() []CreateFile {
	return []CreateFile{
		{FIDPublic, BinarySpec{KindBinaryMAC, PublicLength, free, free, keyBits}.Bytes()},
		{FIDHolder, BinarySpec{KindBinaryMAC, HolderLength, free, free, keyBits}.Bytes()},
		{FIDOrdinary, BinarySpec{KindBinary, OrdinaryLength, free, free, keyBits}.Bytes()},
		{FIDLog, CyclicSpec{Count: LogRecords, Length: LogLength, Read: afterPIN, Write: never, KeyBits: keyBits}.Bytes()},
		{FIDEP, PurseSpec{Use: free, LogSFI: SFILog}.Bytes()},
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
