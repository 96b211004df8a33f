using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KvmBackup.Shell;

namespace KvmBackup.Disks;

/// <summary>Every call of qemu-img: what an image is made of, whether it is sound, and its offline commit.</summary>
public sealed class QemuImage(IProcessRunner shell)
{
    private const string SecretName = "sec0";
    private const int CreateAttempts = 20;

    // QEMU derives the key once more while the guest is frozen; by default that takes two seconds of a processor for each disk.
    private const int KeyMilliseconds = 200;
    private static readonly TimeSpan CommitLimit = TimeSpan.FromHours(2);

    private static readonly string[] SecretOptions =
        ["--object", $"secret,id={SecretName},file=/dev/stdin,format=base64"];

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
    /// <returns>False when that takes a passphrase, which nobody asks for: the content is proven by its checksum.</returns>
    /// <exception cref="DisksException">It is corrupt.</exception>
    public async Task<bool> CheckAsync(string filePath, CancellationToken cancellationToken)
    {
        ProgramCall call = new("qemu-img", ["check", "-f", "qcow2", filePath]) { Timeout = TimeSpan.FromMinutes(30) };
        ProgramResult result = await shell.RunAsync(call, cancellationToken);

        if (result.ErrorText.Contains("'encrypt.key-secret' is required", StringComparison.Ordinal))
        {
            return false;
        }

        // 3 is leaked clusters: space lost, no data. https://www.qemu.org/docs/master/tools/qemu-img.html
        if (result.ExitCode is not (0 or 3))
        {
            throw new DisksException($"qemu-img check found {filePath} corrupt: {result.ErrorText}", ExitCode.DamageFound);
        }

        return true;
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

    /// <summary>Writes an overlay down into its base, both of which may be encrypted.</summary>
    /// <param name="overlay">The overlay.</param>
    /// <param name="secret">The passphrase in base64; null when nothing is encrypted.</param>
    /// <param name="cancellationToken">Ends it; what is committed stays.</param>
    public async Task CommitAsync(PlannedOverlay overlay, string? secret, CancellationToken cancellationToken)
    {
        if (secret is null)
        {
            await CommitAsync(overlay.OverlayPath, overlay.BasePath, cancellationToken);
            return;
        }

        JsonObject node = EncryptedNode("qcow2", overlay.OverlayPath);
        node["backing"] = EncryptedNode(overlay.BaseFormat == "raw" ? DiskEncryption.Luks : overlay.BaseFormat, overlay.BasePath);
        await AskAsync(
            new("qemu-img", ["commit", .. SecretOptions, $"json:{node.ToJsonString()}"]) { Timeout = CommitLimit },
            $"Committing {overlay.OverlayPath} into {overlay.BasePath}", secret, cancellationToken);
    }

    /// <summary>The call that makes an overlay beside a guest that has its base open.</summary>
    public static ProgramCall CreateOverlayCall(PlannedOverlay overlay) => new("qemu-img",
    [
        "create", "-q", "-f", "qcow2", "-u", "-b", overlay.BasePath, "-F",
        overlay is { Encryption: not null, BaseFormat: "raw" } ? DiskEncryption.Luks : overlay.BaseFormat,
        .. overlay.Encryption is null ? [] : (string[])[.. SecretOptions, "-o", $"encrypt.format=luks,encrypt.key-secret={SecretName},encrypt.iter-time={KeyMilliseconds}"],
        overlay.OverlayPath, $"{overlay.SizeBytes}",
    ]);

    /// <summary>Makes an overlay, encrypted if its base is.</summary>
    /// <param name="overlay">The overlay, with its size.</param>
    /// <param name="secret">The passphrase in base64; null for an overlay that is not encrypted.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task CreateOverlayAsync(PlannedOverlay overlay, string? secret, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await AskAsync(CreateOverlayCall(overlay), $"Making the overlay {overlay.OverlayPath}", secret, cancellationToken);
                return;
            }
            catch (DisksException failure) when (attempt < CreateAttempts
                && failure.Message.Contains("Unable to get accurate CPU usage", StringComparison.Ordinal))
            {
                // QEMU 7.2 measures how long a key derivation takes, and fails where the kernel counts time in coarse steps.
            }
        }
    }

    /// <summary>What a guest sees of an image, in bytes; of a LUKS image without its header.</summary>
    public async Task<long> ReadSizeAsync(string filePath, string format, CancellationToken cancellationToken)
    {
        string json = await AskAsync(
            new("qemu-img", ["info", "-U", "--output=json", "-f", format, filePath]), $"Reading the size of {filePath}", cancellationToken);
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("virtual-size").GetInt64();
    }

    /// <summary>Whether the guest wrote anything into an overlay: clusters of its own, data or zeros.</summary>
    public Task<bool> HasOwnDataAsync(string overlayPath, CancellationToken cancellationToken) =>
        HasOwnDataAsync(overlayPath, secret: null, cancellationToken);

    /// <inheritdoc cref="HasOwnDataAsync(string, CancellationToken)"/>
    /// <param name="overlayPath">The overlay.</param>
    /// <param name="secret">The passphrase in base64; null for an overlay that is not encrypted.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<bool> HasOwnDataAsync(string overlayPath, string? secret, CancellationToken cancellationToken)
    {
        string[] image = secret is null ? ["-f", "qcow2", overlayPath] : [.. SecretOptions, EncryptedAlone(overlayPath)];
        string json = await AskAsync(
            new("qemu-img", ["map", "-U", "--output=json", .. image]), $"Looking for data in {overlayPath}", secret, cancellationToken);
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
                $"{filePath} is not deleted, since it may be in use: qemu-img said: {result.ErrorText.TrimEnd('.')}. See who has it open: "
                + $"`fuser -v {ShellWord.Quote(filePath)}` ; when nobody has: {OverlayAdvice.Recover}", ExitCode.ManualActionRequired);
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
                + $"to it now: qemu-img said: {result.ErrorText}. See who has it open: `fuser -v {ShellWord.Quote(image.FilePath)}`");
        }
    }

    private static string EncryptedAlone(string filePath)
    {
        JsonObject node = EncryptedNode("qcow2", filePath);
        node["backing"] = null;
        return $"json:{node.ToJsonString()}";
    }

    private static JsonObject EncryptedNode(string driver, string filePath)
    {
        JsonObject node = new()
        {
            ["driver"] = driver,
            ["file"] = new JsonObject { ["driver"] = LocalFile.IsBlockDevice(filePath) ? "host_device" : "file", ["filename"] = filePath },
        };
        node[driver == DiskEncryption.Luks ? "key-secret" : "encrypt.key-secret"] = SecretName;
        return node;
    }

    private Task<string> AskAsync(ProgramCall call, string purpose, CancellationToken cancellationToken) =>
        AskAsync(call, purpose, secret: null, cancellationToken);

    /// <summary>Runs a call that must succeed; a secret goes through a pipe, never over the command line or a file.</summary>
    private async Task<string> AskAsync(ProgramCall call, string purpose, string? secret, CancellationToken cancellationToken)
    {
        ProgramResult result;
        if (secret is null)
        {
            result = await shell.RunAsync(call, cancellationToken);
        }
        else
        {
            using MemoryStream output = new();
            result = await shell.FilterAsync(call, Encoding.ASCII.GetBytes(secret), output, cancellationToken);
            result = result with { StandardOutput = Encoding.UTF8.GetString(output.ToArray()) };
        }

        return result.IsSuccess
            ? result.StandardOutput
            : throw new DisksException($"{purpose} failed: qemu-img said: {result.ErrorText}");
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
            LocalFile.IsBlockDevice(path))
        {
            IsEncrypted = image.TryGetProperty("encrypted", out JsonElement encrypted) && encrypted.GetBoolean(),
        };
    }
}
