using System.Text.Json;
using KvmBackup.Model;
using KvmBackup.Shell;

namespace KvmBackup.Disks;

/// <summary>Every call of qemu-img: what an image is made of, whether it is sound, and its offline commit.</summary>
public sealed class QemuImage(IShell shell)
{
    private static readonly TimeSpan CommitLimit = TimeSpan.FromHours(2);

    /// <summary>The version that the program tells.</summary>
    public async Task<string> VersionAsync(CancellationToken cancellationToken)
    {
        string text = await AskAsync(new("qemu-img", ["--version"]), "Asking for its version", cancellationToken);
        return text.Split('\n')[0].Trim();
    }

    /// <summary>The backing chain of an image, the image itself first.</summary>
    /// <param name="filePath">The top of the chain.</param>
    /// <param name="format">Its format as the domain's XML says it: a raw disk is never probed, since its guest could
    /// write a header that names any file of the host.</param>
    /// <exception cref="DisksException">A layer is missing, or is no local file or device.</exception>
    public async Task<IReadOnlyList<ImageLayer>> ReadChainAsync(
        string filePath, string format, CancellationToken cancellationToken)
    {
        // -U: the guest holds the image open for writing; only its headers are read here.
        string json = await AskAsync(
            new("qemu-img", ["info", "-U", "--backing-chain", "--output=json", "-f", format, filePath]),
            $"Reading the backing chain of {filePath}", cancellationToken);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return [.. document.RootElement.EnumerateArray().Select(Describe)];
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException
            or KeyNotFoundException or FormatException)
        {
            throw new DisksException(
                $"qemu-img described {filePath} in a form that is not understood: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    /// <summary>The metadata check of a restored qcow2 image.</summary>
    /// <exception cref="DisksException">It is corrupt.</exception>
    public async Task CheckAsync(string filePath, CancellationToken cancellationToken)
    {
        ProgramCall call = new("qemu-img", ["check", "-f", "qcow2", filePath]) { Timeout = TimeSpan.FromMinutes(30) };
        ProgramResult result = await shell.RunAsync(call, cancellationToken);

        // 3 is leaked clusters: space lost, no data. https://www.qemu.org/docs/master/tools/qemu-img.html
        if (result.ExitCode is not (0 or 3))
        {
            throw new DisksException($"qemu-img check found {filePath} corrupt: {result.Complaint}", ExitCode.DamageFound);
        }
    }

    /// <summary>The call that writes another backing file into an image's header.</summary>
    public static ProgramCall RebaseCall(string filePath, string backingName, string backingFormat) => new(
        "qemu-img", ["rebase", "-u", "-f", "qcow2", "-b", backingName, "-F", backingFormat, filePath]);

    public async Task RebaseAsync(
        string filePath, string backingName, string backingFormat, CancellationToken cancellationToken) =>
        await AskAsync(
            RebaseCall(filePath, backingName, backingFormat),
            $"Setting the backing file of {filePath}", cancellationToken);

    /// <summary>Writes an overlay down into its base while no guest runs. Safe to repeat.</summary>
    public async Task CommitAsync(string overlayPath, string basePath, CancellationToken cancellationToken) =>
        await AskAsync(
            new("qemu-img", ["commit", "-f", "qcow2", "-b", basePath, overlayPath]) { Timeout = CommitLimit },
            $"Committing {overlayPath} into {basePath}", cancellationToken);

    /// <summary>Whether the guest wrote anything into an overlay: clusters of its own, data or zeros.</summary>
    public async Task<bool> HasOwnDataAsync(string overlayPath, CancellationToken cancellationToken)
    {
        string json = await AskAsync(
            new("qemu-img", ["map", "-U", "--output=json", "-f", "qcow2", overlayPath]),
            $"Looking for data in {overlayPath}", cancellationToken);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateArray().Any(run => run.GetProperty("depth").GetInt32() == 0
                && (run.GetProperty("data").GetBoolean() || run.GetProperty("present").GetBoolean()));
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new DisksException(
                $"qemu-img mapped {overlayPath} in a form that is not understood: {failure.Message}", ExitCode.Failed, failure);
        }
    }

    /// <summary>
    /// Makes sure that no QEMU has an image open. The definition of a domain can be wrong about that, after a crash of
    /// libvirtd for instance; the locks that QEMU holds on its images cannot.
    /// </summary>
    /// <exception cref="DisksException">One has, or it cannot be told.</exception>
    public async Task EnsureUnusedAsync(string filePath, CancellationToken cancellationToken)
    {
        // Without -U this asks for the lock that a writer excludes.
        ProgramResult result = await shell.RunAsync(
            new("qemu-img", ["info", "-f", "qcow2", filePath]), cancellationToken);
        if (!result.IsSuccess)
        {
            throw new DisksException(
                $"{filePath} is not deleted, since it may be in use: qemu-img said: {result.Complaint.TrimEnd('.')}. See who has it open: "
                + $"`fuser -v {ShellWord.Quote(filePath)}` ; when nobody has: {OverlayAdvice.Recover}", ExitCode.GuestNeedsPerson);
        }
    }

    /// <summary>Makes sure that no QEMU of this host has an image open for writing.</summary>
    /// <param name="image">The top of a chain.</param>
    /// <param name="subject">What it is, as the beginning of a message: <c>disk vdb</c>.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <exception cref="DisksException">One has, or it cannot be told.</exception>
    public async Task EnsureNoWriterAsync(ImageLayer image, string subject, CancellationToken cancellationToken)
    {
        ProgramResult result = await shell.RunAsync(
            new("qemu-img", ["info", "-f", image.Format, image.FilePath]), cancellationToken);
        if (!result.IsSuccess)
        {
            throw new DisksException(
                $"{subject} ({image.FilePath}) is in the definition for the next start only, and another program may be writing "
                + $"to it now: qemu-img said: {result.Complaint}. See who has it open: fuser -v {ShellWord.Quote(image.FilePath)}");
        }
    }

    private async Task<string> AskAsync(ProgramCall call, string purpose, CancellationToken cancellationToken)
    {
        ProgramResult result = await shell.RunAsync(call, cancellationToken);
        return result.IsSuccess
            ? result.StandardOutput
            : throw new DisksException($"{purpose} failed: qemu-img said: {result.Complaint}");
    }

    private static ImageLayer Describe(JsonElement image)
    {
        string path = image.GetProperty("filename").GetString() ?? throw new JsonException("a layer has no file");
        if (!Path.IsPathFullyQualified(path))
        {
            throw new DisksException(
                $"The layer {path} of a backing chain is no local file; exclude the disk: disks: {{exclude: [...]}}.");
        }

        if (image.TryGetProperty("format-specific", out JsonElement specific)
            && specific.GetProperty("data").TryGetProperty("data-file", out JsonElement dataFile))
        {
            throw new DisksException(
                $"{path} keeps its data in an external file, {dataFile.GetString()}, which cannot be backed up; "
                + "exclude the disk: disks: {exclude: [...]}.");
        }

        return new ImageLayer(
            path, image.GetProperty("format").GetString()!, image.GetProperty("virtual-size").GetInt64(),
            LocalFile.IsBlockDevice(path));
    }
}
