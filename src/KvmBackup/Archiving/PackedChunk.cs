namespace KvmBackup.Archiving;

/// <summary>A chunk as it goes into the file.</summary>
/// <param name="Bytes">In a buffer of the chunk: good until the chunk is used again.</param>
/// <param name="Sha256">Of these bytes, in lower-case hexadecimal.</param>
internal readonly record struct PackedChunk(ReadOnlyMemory<byte> Bytes, string Sha256);
