namespace KvmBackup.Model;

/// <summary>A run of bytes of a disk that holds data; what lies between extents is holes and reads as zeros.</summary>
/// <param name="OffsetBytes">From the start of the disk.</param>
/// <param name="LengthBytes">Greater than zero.</param>
public readonly record struct Extent(long OffsetBytes, long LengthBytes)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
