namespace KvmBackup.Model;

/// <summary>One disk that an operator wants as one file.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="Disk">Which disk; null is the only one.</param>
/// <param name="FilePath">The new file.</param>
/// <param name="Format">What it is to be: raw or qcow2.</param>
public sealed record AssembleRequest(DomainName Domain, string? IdPrefix, DiskTarget? Disk, string FilePath, string Format)
{
    public const string Raw = "raw";

    public const string Qcow2 = "qcow2";
}
