namespace KvmBackup.Runs.Guests;

/// <summary>
/// Handles UEFI guests without an NVRAM file: libvirt creates it from the firmware's template at the first start.
/// </summary>
public static class AbsentFirmware
{
    /// <returns>The facts without the NVRAM file of a guest that never ran, or whose file is gone while it is shut
    /// off.</returns>
    public static DomainFacts LeaveOut(DomainFacts facts, List<string> warnings)
    {
        AuxiliaryFile[] absent = [.. facts.Files.Where(
            file => !facts.IsActive && file.MemberName == DomainNvram && !Path.Exists(file.SourcePath))];
        warnings.AddRange(absent.Select(
            file => $"the NVRAM file {file.SourcePath} does not exist, as before the first start, so it is not in "
                + "this backup: libvirt creates a new one from the firmware's template when the guest starts"));
        return facts with { Files = [.. facts.Files.Except(absent)] };
    }

    /// <summary>The member name of <c>DomainXml.Files</c>.</summary>
    private const string DomainNvram = "nvram.fd";
}
