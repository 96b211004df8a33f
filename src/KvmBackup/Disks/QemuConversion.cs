using KvmBackup.Shell;

namespace KvmBackup.Disks;

/// <summary>Copies the guest's view of an image, with its backing chain, to another place by qemu-img.</summary>
public sealed class QemuConversion(IProcessRunner runner)
{
    private const string Requests = "8";
    private static readonly TimeSpan CopyLimit = TimeSpan.FromHours(12);

    /// <summary>The call that writes into an existing, empty RBD image.</summary>
    public static ProgramCall IntoImageCall(string filePath, string format, RbdLocation location) => new(
        "qemu-img",
        [
            "convert", "-n", "--target-is-zero", "-W", "-m", Requests, "-f", format, "-O", "raw", filePath,
            UrlOf(location),
        ])
    {
        Timeout = CopyLimit,
    };

    /// <summary>Writes into an existing, empty RBD image: only the data, with several requests in flight.</summary>
    public Task IntoImageAsync(
        string filePath, string format, RbdLocation location, CancellationToken cancellationToken) => RunAsync(
        IntoImageCall(filePath, format, location), $"Writing {filePath} into {location}", cancellationToken);

    /// <summary>Writes into a new file.</summary>
    /// <param name="filePath">The top of the chain.</param>
    /// <param name="format">Its format.</param>
    /// <param name="toFilePath">The new file; an existing one would be overwritten.</param>
    /// <param name="toFormat">The format of the new file.</param>
    /// <param name="cancellationToken">Stops the copy.</param>
    public Task IntoFileAsync(
        string filePath, string format, string toFilePath, string toFormat, CancellationToken cancellationToken) =>
        RunAsync(
        new ProgramCall(
            "qemu-img", ["convert", "-W", "-m", Requests, "-f", format, "-O", toFormat, filePath, toFilePath])
        {
            Timeout = CopyLimit,
        },
        $"Writing {filePath} as {toFormat} into {toFilePath}", cancellationToken);

    private async Task RunAsync(ProgramCall call, string purpose, CancellationToken cancellationToken)
    {
        ProgramResult result = await runner.RunAsync(call, cancellationToken);
        if (!result.IsSuccess)
        {
            throw new DisksException($"{purpose} failed: qemu-img reported: {result.ErrorText}");
        }
    }

    /// <summary>
    /// QEMU's name of an RBD image, followed by options of Ceph. The key is passed as a file, because command lines are
    /// visible to all users.
    /// </summary>
    private static string UrlOf(RbdLocation location)
    {
        RbdAccess access = location.Access;
        bool isByMonitors = access.Monitors.Count > 0 && access.ConfigurationPath is null;
        (string Name, string? Value)[] options =
        [
            ("conf", isByMonitors ? "/dev/null" : access.ConfigurationPath),
            ("mon_host", isByMonitors ? string.Join(',', access.Monitors) : null),
            ("id", access.User),
            ("keyfile", access.KeyFilePath),
            ("keyring", access.KeyringPath),
        ];
        string image = string.Join('/', location.Image.Spec.Split('/').Select(Escape));
        IEnumerable<string> set = options.Where(option => option.Value is not null)
            .Select(option => $":{option.Name}={Escape(option.Value!)}");
        return $"rbd:{image}{string.Concat(set)}";
    }

    // A backslash escapes the separators: https://www.qemu.org/docs/master/system/images.html
    private static string Escape(string text) => string.Concat(
        text.Select(one => one is ':' or '@' or '=' or '\\' ? $"\\{one}" : one.ToString()));
}
