namespace KvmBackup.Model;

/// <summary>What came of comparing one file of a disk with what a backup holds of it.</summary>
public enum ComparisonVerdict
{
    /// <summary>Every byte is the same.</summary>
    Same,

    /// <summary>Of the same size, and not the same.</summary>
    Different,

    /// <summary>Of another size; the missing end of the shorter one counts as zeros.</summary>
    OtherSize,

    /// <summary>Of another format or with other backing files, so that the bytes say nothing.</summary>
    OtherForm,

    /// <summary>The backup holds it, and the source has it no more, or does not let it be read.</summary>
    Missing,

    /// <summary>The source has it, and the backup does not hold it.</summary>
    NotInBackup,
}
