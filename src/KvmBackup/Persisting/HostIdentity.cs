using System.Security.Cryptography;
using System.Text;

namespace KvmBackup.Persisting;

/// <summary>Identifies this host among those that share a target, and this boot of it.</summary>
/// <param name="BootId">The boot ID of the running kernel.</param>
/// <param name="Machine">
/// A value that stays the same across boots of this host, and that no other host has. It is a hash, because a machine
/// ID should not be published (man 5 machine-id). Null when uniqueness is not certain.
/// </param>
public sealed record HostIdentity(string BootId, string? Machine)
{
    /// <summary>The identity of the current host.</summary>
    public static HostIdentity This { get; } = new(HostBoot.Id, ReadMachine("/", Environment.MachineName));

    /// <summary>Computes <see cref="Machine"/> from the machine ID, the hardware's UUID and the host's name.</summary>
    /// <remarks>
    /// The machine ID alone is not sufficient: a cloned host often keeps it. The UUID alone is not sufficient either:
    /// some vendors use the same UUID for all boards.
    /// </remarks>
    /// <param name="root">The folder with <c>etc</c> and <c>sys</c>.</param>
    /// <param name="hostName">The name of the host.</param>
    /// <returns>Null when the machine ID or the UUID is unknown: only root may read the UUID.</returns>
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
