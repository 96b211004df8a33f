namespace KvmBackup.Model;

/// <summary>A run of bytes of an image that is not what it was before, or, for a whole image, that it holds.</summary>
/// <param name="OffsetBytes">From the start of the image.</param>
/// <param name="LengthBytes">Greater than zero.</param>
/// <param name="IsData">There are data now; otherwise it was discarded and reads as zeros.</param>
public readonly record struct ImageChange(long OffsetBytes, long LengthBytes, bool IsData)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
