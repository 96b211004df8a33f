namespace KvmBackup.Model.Identifiers;

/// <summary>The names of files and images that a restore has not completed yet.</summary>
public static class TemporaryName
{
    /// <summary>The suffix of a file or image until its commit.</summary>
    public const string PartialExtension = ".kvmbackup-partial";
}
