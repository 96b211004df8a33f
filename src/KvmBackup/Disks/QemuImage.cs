using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KvmBackup.Shell;

namespace KvmBackup.Disks;

/// <summary>The calls of qemu-img: reads the backing chain, checks an image, creates and commits overlays.</summary>
public sealed class QemuImage(IProcessRunner runner)
{
    private const string SecretName = "sec0";
    private const int CreateAttempts = 20;

    // QEMU derives the key again while the guest is frozen; by default that takes two seconds of CPU time for each
    // disk.
    private const int KeyMilliseconds = 200;
    private static readonly TimeSpan CommitLimit = TimeSpan.FromHours(2);

    private static readonly string[] SecretOptions =
        ["--object", $"secret,id={SecretName},file=/dev/stdin,format=base64"];

    /// <summary>The version that the program prints.</summary>
    public async Task<string> VersionAsync(CancellationToken cancellationToken)
    {
        string text = await RunAsync(new("qemu-img", ["--version"]), "Asking for its version", cancellationToken);
        return text.Split('\n')[0].Trim();
    }

    /// <summary>The backing chain of an image, the image itself first.</summary>
    /// <param name="filePath">The top of the chain.</param>
    /// <param name="format">Its format in the domain's XML: a raw disk is never probed, because its guest could write a
    /// header that names any file of the host.</param>
    /// <param name="cancellationToken">Stops the program.</param>
    /// <exception cref="DisksException">A layer is missing, or is no local file or device.</exception>
    public async Task<IReadOnlyList<ImageLayer>> ReadChainAsync(
        string filePath, string format, CancellationToken cancellationToken)
    {
        // -U: the guest has the image open for writing; only its headers are read here.
        string json = await RunAsync(
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
                $"The output of qemu-img info for {filePath} cannot be parsed: {failure.Message}", ExitCode.Failed,
                failure);
        }
    }

    /// <summary>Checks the metadata of a restored qcow2 image.</summary>
    /// <returns>False when the check requires a passphrase, which is not available: the content is verified by its
    /// checksum.</returns>
    /// <exception cref="DisksException">It is corrupt.</exception>
    public async Task<bool> CheckAsync(string filePath, CancellationToken cancellationToken)
    {
        ProgramCall call = new("qemu-img", ["check", "-f", "qcow2", filePath]) { Timeout = TimeSpan.FromMinutes(30) };
        ProgramResult result = await runner.RunAsync(call, cancellationToken);

        if (result.ErrorText.Contains("'encrypt.key-secret' is required", StringComparison.Ordinal))
        {
            return false;
        }

        // 3: leaked clusters, which waste space only. https://www.qemu.org/docs/master/tools/qemu-img.html
        if (result.ExitCode is not (0 or 3))
        {
            throw new DisksException(
                $"qemu-img check found {filePath} corrupt: {result.ErrorText}", ExitCode.DamageFound);
        }

        return true;
    }

    /// <summary>The call that changes the backing file in an image's header.</summary>
    public static ProgramCall RebaseCall(string filePath, string backingName, string backingFormat) => new(
        "qemu-img", ["rebase", "-u", "-f", "qcow2", "-b", backingName, "-F", backingFormat, filePath]);

    public async Task RebaseAsync(
        string filePath, string backingName, string backingFormat, CancellationToken cancellationToken) =>
        await RunAsync(
            RebaseCall(filePath, backingName, backingFormat),
            $"Setting the backing file of {filePath}", cancellationToken);

    /// <summary>Commits an overlay into its base while the guest is shut off. Safe to repeat.</summary>
    public async Task CommitAsync(string overlayPath, string basePath, CancellationToken cancellationToken) =>
        await RunAsync(
            new("qemu-img", ["commit", "-f", "qcow2", "-b", basePath, overlayPath]) { Timeout = CommitLimit },
            $"Committing {overlayPath} into {basePath}", cancellationToken);

    /// <summary>Commits an overlay into its base, both of which may be encrypted.</summary>
    /// <param name="overlay">The overlay.</param>
    /// <param name="secret">The passphrase in base64; null when nothing is encrypted.</param>
    /// <param name="cancellationToken">Stops the commit; committed data stay in the base.</param>
    public async Task CommitAsync(PlannedOverlay overlay, string? secret, CancellationToken cancellationToken)
    {
        if (secret is null)
        {
            await CommitAsync(overlay.OverlayPath, overlay.BasePath, cancellationToken);
            return;
        }

        JsonObject node = EncryptedNode("qcow2", overlay.OverlayPath);
        string baseDriver = overlay.BaseFormat == "raw" ? DiskEncryption.Luks : overlay.BaseFormat;
        node["backing"] = EncryptedNode(baseDriver, overlay.BasePath);
        await RunAsync(
            new("qemu-img", ["commit", .. SecretOptions, $"json:{node.ToJsonString()}"]) { Timeout = CommitLimit },
            $"Committing {overlay.OverlayPath} into {overlay.BasePath}", secret, cancellationToken);
    }

    /// <summary>The call that creates an overlay while a guest has its base open.</summary>
    public static ProgramCall CreateOverlayCall(PlannedOverlay overlay) => new("qemu-img",
    [
        "create", "-q", "-f", "qcow2", "-u", "-b", overlay.BasePath, "-F",
        overlay is { Encryption: not null, BaseFormat: "raw" } ? DiskEncryption.Luks : overlay.BaseFormat,
        .. overlay.Encryption is null
            ? []
            : (string[])
            [
                .. SecretOptions, "-o",
                $"encrypt.format=luks,encrypt.key-secret={SecretName},encrypt.iter-time={KeyMilliseconds}",
            ],
        overlay.OverlayPath, $"{overlay.SizeBytes}",
    ]);

    /// <summary>Creates an overlay, encrypted if its base is.</summary>
    /// <param name="overlay">The overlay, with its size.</param>
    /// <param name="secret">The passphrase in base64; null for an overlay that is not encrypted.</param>
    /// <param name="cancellationToken">Stops the program.</param>
    public async Task CreateOverlayAsync(PlannedOverlay overlay, string? secret, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                string purpose = $"Creating the overlay {overlay.OverlayPath}";
                await RunAsync(CreateOverlayCall(overlay), purpose, secret, cancellationToken);
                return;
            }
            catch (DisksException failure) when (attempt < CreateAttempts
                && failure.Message.Contains("Unable to get accurate CPU usage", StringComparison.Ordinal))
            {
                // QEMU 7.2 measures the CPU time of a key derivation, and fails where the kernel's clock is too coarse.
            }
        }
    }

    /// <summary>The virtual size of an image in bytes; of a LUKS image, without its header.</summary>
    public async Task<long> ReadSizeAsync(string filePath, string format, CancellationToken cancellationToken)
    {
        string json = await RunAsync(
            new("qemu-img", ["info", "-U", "--output=json", "-f", format, filePath]), $"Reading the size of {filePath}",
            cancellationToken);
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("virtual-size").GetInt64();
    }

    /// <summary>Whether an overlay has clusters of its own, data or zeros, so that the guest has written to
    /// it.</summary>
    public Task<bool> HasOwnDataAsync(string overlayPath, CancellationToken cancellationToken) =>
        HasOwnDataAsync(overlayPath, secret: null, cancellationToken);

    /// <inheritdoc cref="HasOwnDataAsync(string, CancellationToken)"/>
    /// <param name="overlayPath">The overlay.</param>
    /// <param name="secret">The passphrase in base64; null for an overlay that is not encrypted.</param>
    /// <param name="cancellationToken">Stops the program.</param>
    public async Task<bool> HasOwnDataAsync(string overlayPath, string? secret, CancellationToken cancellationToken)
    {
        string[] image = secret is null
            ? ["-f", "qcow2", overlayPath] : [.. SecretOptions, EncryptedAlone(overlayPath)];
        string json = await RunAsync(
            new("qemu-img", ["map", "-U", "--output=json", .. image]), $"Mapping {overlayPath}", secret,
            cancellationToken);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.EnumerateArray().Any(run => run.GetProperty("depth").GetInt32() == 0
                && (run.GetProperty("data").GetBoolean() || run.GetProperty("present").GetBoolean()));
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new DisksException(
                $"The output of qemu-img map for {overlayPath} cannot be parsed: {failure.Message}", ExitCode.Failed,
                failure);
        }
    }

    /// <summary>
    /// Checks that no QEMU has an image open, by the locks of QEMU. The definition of a domain can be wrong about that,
    /// for instance after a crash of libvirtd.
    /// </summary>
    /// <exception cref="DisksException">A QEMU has it open, or the check failed.</exception>
    public async Task EnsureUnusedAsync(string filePath, CancellationToken cancellationToken)
    {
        // Without -U qemu-img takes a lock that conflicts with that of a writer.
        ProgramResult result = await runner.RunAsync(
            new("qemu-img", ["info", "-f", "qcow2", filePath]), cancellationToken);
        if (!result.IsSuccess)
        {
            throw new DisksException(
                $"{filePath} is not deleted, because it may be in use: qemu-img reported: "
                + $"{result.ErrorText.TrimEnd('.')}. To see which process has it open: "
                + $"`fuser -v {ShellWord.Quote(filePath)}` ; when none has: {OverlayAdvice.Recover}",
                ExitCode.ManualActionRequired);
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
            ["file"] = new JsonObject
            {
                ["driver"] = LocalFile.IsBlockDevice(filePath) ? "host_device" : "file",
                ["filename"] = filePath,
            },
        };
        node[driver == DiskEncryption.Luks ? "key-secret" : "encrypt.key-secret"] = SecretName;
        return node;
    }

    private Task<string> RunAsync(ProgramCall call, string purpose, CancellationToken cancellationToken) =>
        RunAsync(call, purpose, secret: null, cancellationToken);

    /// <summary>Runs a call that must succeed; a secret is passed through a pipe, never in the command line or a
    /// file.</summary>
    private async Task<string> RunAsync(
        ProgramCall call, string purpose, string? secret, CancellationToken cancellationToken)
    {
        ProgramResult result;
        if (secret is null)
        {
            result = await runner.RunAsync(call, cancellationToken);
        }
        else
        {
            using MemoryStream output = new();
            result = await runner.FilterAsync(call, Encoding.ASCII.GetBytes(secret), output, cancellationToken);
            result = result with { StandardOutput = Encoding.UTF8.GetString(output.ToArray()) };
        }

        return result.IsSuccess
            ? result.StandardOutput
            : throw new DisksException($"{purpose} failed: qemu-img reported: {result.ErrorText}");
    }

    /// <summary>The first file that a vmdk names beside itself; null when it has all data.</summary>
    private static string? FindExtentFile(JsonElement image, string path) =>
        image.TryGetProperty("format-specific", out JsonElement specific)
            && specific.GetProperty("data").TryGetProperty("extents", out JsonElement extents)
            ? extents.EnumerateArray().Select(extent => extent.GetProperty("filename").GetString())
                .FirstOrDefault(file => file != path) : null;

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

        if (FindExtentFile(image, path) is { } extentFile)
        {
            throw new DisksException(
                $"{path} keeps its data in other files, such as {extentFile}, which are not in the backup; convert it "
                    + "to one file, or exclude the disk: disks: {exclude: [...]}.");
        }

        return new ImageLayer(
            path, image.GetProperty("format").GetString()!, image.GetProperty("virtual-size").GetInt64(),
            LocalFile.IsBlockDevice(path))
        {
            IsEncrypted = image.TryGetProperty("encrypted", out JsonElement encrypted) && encrypted.GetBoolean(),
            IsStreamOptimized = image.TryGetProperty("format-specific", out JsonElement properties)
                && properties.GetProperty("data").TryGetProperty("create-type", out JsonElement type)
                && type.GetString() == "streamOptimized",
        };
    }
}
