namespace KvmBackup.Disks;

/// <summary>A stretch of what is to be written: whole blocks of zeros, or what lies between such.</summary>
/// <param name="OffsetBytes">Where it belongs on the disk.</param>
/// <param name="Content">The bytes.</param>
/// <param name="IsData">Whether any of them is not zero.</param>
public readonly record struct DataRun(long OffsetBytes, ReadOnlyMemory<byte> Content, bool IsData)
{
    /// <summary>Cuts content where blocks of zeros begin and end, ascending and complete. A look at a block of data ends at
    /// its first byte that is none.</summary>
    /// <param name="offsetBytes">Where the content belongs; the parts of blocks at its ends count as blocks.</param>
    /// <param name="content">What is to be written.</param>
    /// <param name="blockBytes">Shorter runs of zeros are not worth a call of their own.</param>
    public static IEnumerable<DataRun> Within(long offsetBytes, ReadOnlyMemory<byte> content, int blockBytes)
    {
        int start = 0;
        bool isData = false;
        for (int position = 0; position < content.Length;)
        {
            int end = (int)Math.Min(content.Length, position + blockBytes - ((offsetBytes + position) % blockBytes));
            bool isDataNow = content.Span[position..end].ContainsAnyExcept((byte)0);
            if (isDataNow != isData && position > start)
            {
                yield return new DataRun(offsetBytes + start, content[start..position], isData);
                start = position;
            }

            isData = isDataNow;
            position = end;
        }

        if (start < content.Length)
        {
            yield return new DataRun(offsetBytes + start, content[start..], isData);
        }
    }
}
