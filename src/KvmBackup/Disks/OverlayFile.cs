namespace KvmBackup.Disks;

/// <summary>Deletes an overlay, after a check that it is the file that was recorded at its creation.</summary>
public static class OverlayFile
{
    /// <summary>Checks that an overlay is the recorded file.</summary>
    /// <exception cref="DisksException">Another file has that path now.</exception>
    public static void EnsureRecorded(string overlayPath, FileIdentity? recorded)
    {
        if (!OverlayName.IsOurs(overlayPath) || (recorded is not null && LocalFile.Identify(overlayPath) != recorded))
        {
            throw new DisksException(
                $"{overlayPath} is not the overlay that this run created, so it was not deleted. Inspect it with: "
                + $"`qemu-img info -U {ShellWord.Quote(overlayPath)}` ; "
                + $"{OverlayAdvice.KeepAsideOrDiscard(overlayPath)}",
                ExitCode.ManualActionRequired);
        }
    }

    /// <summary>Deletes a committed overlay.</summary>
    /// <param name="overlayPath">Its path, whose name has 32 random bits of its run.</param>
    /// <param name="recorded">Its identity at creation; null when unknown, in which case only the name is
    /// checked.</param>
    /// <exception cref="DisksException">Another file has that path now, which is not touched, or the deletion
    /// failed.</exception>
    public static void Remove(string overlayPath, FileIdentity? recorded)
    {
        EnsureRecorded(overlayPath, recorded);
        try
        {
            File.Delete(overlayPath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException(
                $"The overlay {overlayPath} is committed and no longer used, but cannot be deleted: "
                + $"{failure.Message.TrimEnd('.')}. When that is fixed: {OverlayAdvice.Recover}",
                ExitCode.ManualActionRequired, failure);
        }
    }
}
