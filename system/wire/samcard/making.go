package samcard

// What a made PSAM holds, as data. The specs of CREATE FILE are those of a user card. Source: card.md 3.9, section 11;
// access bytes adr/0003.

// MFFiles are the files that card making adds to the MF of a blank PSAM: 0015 (14 bytes) and 0016 (6 bytes), plain read,
// written only under the MF's master state.
func MFFiles() []CreateFile {
	return []CreateFile{
		{uint16(SFIPublic), binary(PublicLength)},
		{uint16(SFITerminal), binary(TIDLength)},
	}
}

// PetrolDF creates the petrol application of a PSAM.
func PetrolDF(aid []byte) CreateFile { return application(FIDPetrol, aid) }

// LoyaltyDF creates the loyalty application of a PSAM; its files and key usages are those of the petrol application
// (PetrolFiles, Keys). Source: card.md 3.9; its content [ours].
func LoyaltyDF(aid []byte) CreateFile { return application(FIDLoyalty, aid) }

// application is a DF of 0x200 bytes under the master, named aid, that shows 0017 in its FCI.
func application(fid uint16, aid []byte) CreateFile {
	return CreateFile{fid, append([]byte{0x38, 0x02, 0x00, 0xF3, 0xF3, 0x80 | SFIApp, 0xFF, 0xFF}, aid...)}
}

// PetrolFiles are the files of the petrol application: 0017 (25 bytes).
func PetrolFiles() []CreateFile { return []CreateFile{{uint16(SFIApp), binary(AppLength)}} }

// binary is a plain binary file: 28 len2 R F0 W F3 FF keybits 83.
func binary(n byte) []byte { return []byte{0x28, 0x00, n, 0xF0, 0xF3, 0xFF, 0x83} }
