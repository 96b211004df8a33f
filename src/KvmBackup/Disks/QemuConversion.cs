using KvmBackup.Shell;

namespace KvmBackup.Disks;

/// <summary>Lets QEMU read an image with all that it stands on, and write what a guest sees of it somewhere else.</summary>
public sealed class QemuConversion(IProcessRunner shell)
{
    private const string Requests = "8";
    private static readonly TimeSpan CopyLimit = TimeSpan.FromHours(12);

    /// <summary>The call that writes into an RBD image that is there and holds nothing.</summary>
    public static ProgramCall IntoImageCall(string filePath, string format, RbdLocation location) => new(
        "qemu-img",
        [
            "convert", "-n", "--target-is-zero", "-W", "-m", Requests, "-f", format, "-O", "raw", filePath, UrlOf(location),
        ])
    {
        Timeout = CopyLimit,
    };

    /// <summary>Writes into an RBD image that is there and holds nothing: only the data, several requests in flight.</summary>
    public Task IntoImageAsync(string filePath, string format, RbdLocation location, CancellationToken cancellationToken) => RunAsync(
        IntoImageCall(filePath, format, location), $"Writing {filePath} into {location}", cancellationToken);

    /// <summary>Writes into a new file.</summary>
    /// <param name="toFilePath">Does not exist: an existing file would be overwritten.</param>
    public Task IntoFileAsync(
        string filePath, string format, string toFilePath, string toFormat, CancellationToken cancellationToken) => RunAsync(
        new ProgramCall(
            "qemu-img", ["convert", "-W", "-m", Requests, "-f", format, "-O", toFormat, filePath, toFilePath])
        {
            Timeout = CopyLimit,
        },
        $"Writing {filePath} as {toFormat} into {toFilePath}", cancellationToken);

    private async Task RunAsync(ProgramCall call, string purpose, CancellationToken cancellationToken)
    {
        ProgramResult result = await shell.RunAsync(call, cancellationToken);
        if (!result.IsSuccess)
        {
            throw new DisksException($"{purpose} failed: qemu-img said: {result.ErrorText}");
        }
    }

    /// <summary>
    /// An image as QEMU names it. What follows the first colon are options of Ceph's, any of them; the key itself never
    /// stands here, for all can see it, but the file that holds it.
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
        return $"rbd:{image}"
            + string.Concat(options.Where(option => option.Value is not null).Select(option => $":{option.Name}={Escape(option.Value!)}"));
    }

    // A backslash before what separates the parts: https://www.qemu.org/docs/master/system/images.html
    private static string Escape(string text) => string.Concat(
        text.Select(one => one is ':' or '@' or '=' or '\\' ? $"\\{one}" : one.ToString()));
}
