namespace KvmBackup.Disks;

/// <summary>A part of a write: either whole blocks of zeros, or data.</summary>
/// <param name="OffsetBytes">The offset on the disk.</param>
/// <param name="Content">The bytes.</param>
/// <param name="IsData">Whether any byte is not zero.</param>
public readonly record struct DataRun(long OffsetBytes, ReadOnlyMemory<byte> Content, bool IsData)
{
    /// <summary>Splits content into blocks of zeros and data, ascending and complete.</summary>
    /// <param name="offsetBytes">The offset of the content; partial blocks at its ends count as blocks.</param>
    /// <param name="content">The bytes to write.</param>
    /// <param name="blockBytes">The granularity: shorter runs of zeros count as data.</param>
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
