namespace KvmBackup.Disks;

/// <summary>Removes an overlay, and only the very file that was recorded when it was made.</summary>
public static class OverlayFile
{
    /// <summary>Makes sure that it is the very file that was recorded.</summary>
    /// <exception cref="DisksException">Another file is there by that name now.</exception>
    public static void Demand(string overlayPath, FileIdentity? recorded)
    {
        if (!OverlayName.IsOurs(overlayPath) || (recorded is not null && LocalFile.Identify(overlayPath) != recorded))
        {
            throw new DisksException(
                $"{overlayPath} is not the overlay that this run made, so it was not deleted; look at it with: "
                + $"`qemu-img info -U {ShellWord.Quote(overlayPath)}` ; {OverlayAdvice.KeepAsideOrDiscard(overlayPath)}", ExitCode.ManualActionRequired);
        }
    }

    /// <param name="overlayPath">Its path, whose name holds 32 random bits of its run.</param>
    /// <param name="recorded">Who it was then; null when nobody could look, so that the name alone must do.</param>
    /// <exception cref="DisksException">Another file is there by that name now: it is left alone.</exception>
    public static void Remove(string overlayPath, FileIdentity? recorded)
    {
        Demand(overlayPath, recorded);
        try
        {
            File.Delete(overlayPath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DisksException(
                $"The overlay {overlayPath} is committed and no longer used, but cannot be deleted: {failure.Message.TrimEnd('.')}. "
                + $"When that is fixed: {OverlayAdvice.Recover}",
                ExitCode.ManualActionRequired, failure);
        }
    }
}
