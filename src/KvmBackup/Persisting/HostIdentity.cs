using System.Security.Cryptography;
using System.Text;

namespace KvmBackup.Persisting;

/// <summary>Identifies this host among those that share a target, and this boot of it.</summary>
/// <param name="BootId">Of the running kernel.</param>
/// <param name="Machine">
/// The same at each boot of this host, and never that of another: a hash, for a machine ID should not be published
/// (man 5 machine-id). Null where that is not certain.
/// </param>
public sealed record HostIdentity(string BootId, string? Machine)
{
    /// <summary>Of the host that this runs on.</summary>
    public static HostIdentity This { get; } = new(HostBoot.Id, ReadMachine("/", Environment.MachineName));

    /// <summary>
    /// The machine ID alone would not do: a host that is made as a copy of another often keeps it. Nor would the UUID of
    /// the hardware, for some vendors give the same one to each board.
    /// </summary>
    /// <param name="root">The folder with <c>etc</c> and <c>sys</c>.</param>
    /// <param name="hostName">Of the host.</param>
    /// <returns>Null when the machine ID or the hardware's UUID is not known: only root may read the latter.</returns>
    public static string? ReadMachine(string root, string hostName)
    {
        string? machineId = Read(Path.Combine(root, "etc/machine-id"));
        string? hardware = Read(Path.Combine(root, "sys/class/dmi/id/product_uuid"));
        bool isKnown = Guid.TryParseExact(machineId, "N", out Guid machine)
            && machine != Guid.Empty && Guid.TryParseExact(hardware, "D", out Guid board)
            && board != Guid.Empty && board != Guid.AllBitsSet;
        byte[] text = Encoding.UTF8.GetBytes($"kvmbackup host\n{machineId}\n{hardware}\n{hostName}\n");
        return isKnown ? Convert.ToHexStringLower(SHA256.HashData(text)) : null;
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
