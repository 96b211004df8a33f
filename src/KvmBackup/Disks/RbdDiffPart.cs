namespace KvmBackup.Disks;

/// <summary>A piece of a diff stream that is data of the image.</summary>
/// <param name="Start">Where it starts, from the start of the piece of the stream that was asked for.</param>
/// <param name="Length">In bytes.</param>
/// <param name="ImageOffsetBytes">Where the data belong in the image.</param>
public readonly record struct RbdDiffPart(int Start, int Length, long ImageOffsetBytes);
