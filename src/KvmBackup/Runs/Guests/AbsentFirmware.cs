namespace KvmBackup.Runs.Guests;

/// <summary>A UEFI guest gets its NVRAM file at its first start, from the firmware's template. Until then there is none.</summary>
public static class AbsentFirmware
{
    /// <returns>The facts without the NVRAM file of a guest that never ran, or whose file is gone while it is shut off.</returns>
    public static DomainFacts LeaveOut(DomainFacts facts, List<string> warnings)
    {
        AuxiliaryFile[] absent = [.. facts.Files.Where(
            file => !facts.IsActive && file.MemberName == DomainNvram && !Path.Exists(file.SourcePath))];
        warnings.AddRange(absent.Select(
            file => $"its NVRAM file {file.SourcePath} is not there, as before the first start, and so not in this backup: libvirt "
                + "makes a new one from the firmware's template when the guest is started"));
        return facts with { Files = [.. facts.Files.Except(absent)] };
    }

    /// <summary>As <c>DomainXml.Files</c> calls it.</summary>
    private const string DomainNvram = "nvram.fd";
}
