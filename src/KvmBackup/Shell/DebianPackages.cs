namespace KvmBackup.Shell;

/// <summary>The Debian packages of the programs.</summary>
internal static class DebianPackages
{
    // Each program and its package.
    private const string Packages = """
        virsh libvirt-clients
        qemu-img qemu-utils
        rbd ceph-common
        pigz pigz
        igzip isal
        """;

    /// <returns>A sentence that names the package of a program, with a blank before it; empty for others.</returns>
    public static string Hint(string program) => Packages.Split('\n')
        .Select(line => line.Split(' '))
        .Where(entry => entry[0] == program)
        .Select(entry => $" Install its Debian package: apt-get install {entry[1]}")
        .FirstOrDefault(string.Empty);
}
