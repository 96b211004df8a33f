namespace KvmBackup.Archiving;

/// <summary>A chunk as it goes into the file.</summary>
/// <param name="Bytes">In a buffer of the chunk: good until the chunk is used again.</param>
/// <param name="Checksum">Of these bytes.</param>
internal readonly record struct PackedChunk(ReadOnlyMemory<byte> Bytes, UInt128 Checksum);
