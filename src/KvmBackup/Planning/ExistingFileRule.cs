namespace KvmBackup.Planning;

/// <summary>What a restore does with a file that exists.</summary>
public enum ExistingFileRule
{
    /// <summary>Nothing is written at all.</summary>
    Refuse,

    /// <summary>It stays and is used, if its content is the backup's; otherwise nothing is written at all.</summary>
    KeepIfIdentical,

    /// <summary>The operator named the domain whose files may go.</summary>
    Replace,
}
