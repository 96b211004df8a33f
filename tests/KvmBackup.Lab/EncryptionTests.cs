using System.Text;
using System.Xml.Linq;
using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Disks that libvirt decrypts: writes during a backup are encrypted, too.</summary>
public sealed class EncryptionTests
{
    private const string Mark = "written-while-the-backup-reads";

    [LabFact]
    [Proves("disk: LUKS", "encrypted, and its overlay, too; the secret is named")]
    public async Task Writes_during_a_backup_are_encrypted_and_never_lost()
    {
        Guid secret = await DefineSecretAsync();
        await using LabGuest guest = await LabGuest.DefineAsync(new LabGuestSpecification("secret")
        {
            Disks = [new LabDisk("vda"), new LabDisk("vdb"), new LabDisk("vdc") { Format = "raw" }],
        });
        await EncryptAsync(Path.Combine(guest.DirectoryPath!, "vdb.qcow2"), "qcow2", secret);
        await EncryptAsync(Path.Combine(guest.DirectoryPath!, "vdc.raw"), "luks", secret);
        await DefineEncryptedAsync(guest, secret);
        await guest.BootAsync();
        await guest.RunAsync("for disk in vdb vdc; do echo early >/disk/$disk/early; done; sync");
        BackupSite site = new((guest.Name, "rotate: 9"));

        // A run that continues, and one that is killed after its guest has ended.
        foreach (string end in new[] { "continued", "killed" })
        {
            GuestFootprint before = await GuestFootprint.TakeAsync(guest);
            await using RunningProgram paused = await PausedProgram.StartAsync(site, "Pinned", "--json", "run");
            await guest.RunAsync($"for disk in vdb vdc; do echo '{Mark} {end}' >/disk/$disk/mark; done; sync");
            string[] overlays = Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*");
            Assert.Equal(3, overlays.Length);
            foreach (string overlay in overlays)
            {
                Assert.True(
                    (await File.ReadAllBytesAsync(overlay)).AsSpan().IndexOf(Encoding.ASCII.GetBytes(Mark)) < 0,
                    $"{overlay} has plaintext in it.");
            }

            if (end != "continued")
            {
                await guest.DestroyAsync();
            }

            await paused.SignalAsync(end == "killed" ? "KILL" : "CONT");
            Outcome outcome = await paused.WaitAsync(TimeSpan.FromMinutes(1));
            if (end == "killed")
            {
                (await site.RunAsync("--wait", "60", "recover")).MustSucceed();
            }
            else
            {
                outcome.MustSucceed();
                Assert.Contains($"secret {secret}", outcome.Output, StringComparison.Ordinal);
            }

            Assert.Empty(Directory.GetFiles(guest.DirectoryPath!, "kvmbackup.*"));
            Assert.Empty(site.JournalEntries);
            if (end == "continued")
            {
                await before.AssertUnchangedAsync(site);
            }
            else
            {
                await guest.StartAgainAsync();
            }

            Assert.Equal($"{Mark} {end}\n{Mark} {end}\n", await guest.RunAsync("cat /disk/vdb/mark /disk/vdc/mark"));
        }

        (await site.RunAsync("restore", guest.Name, "--as", "secret-copy", "--start")).MustSucceed();
        await using LabGuest copy = LabGuest.Attach("secret-copy");
        await copy.WaitUntilReadyAsync();
        Assert.Equal("early\nearly\n", await copy.RunAsync("cat /disk/vdb/early /disk/vdc/early"));
    }

    private static async Task<Guid> DefineSecretAsync()
    {
        Guid secret = Guid.NewGuid();
        string folder = LabEnvironment.NewDirectory("secret");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "secret.xml"),
            $"<secret ephemeral='no' private='no'><uuid>{secret}</uuid><usage "
            + "type='volume'><volume>lab</volume></usage></secret>");
        await File.WriteAllTextAsync(Path.Combine(folder, "value"), "hunter2");
        await Virsh.RunAsync("secret-define", Path.Combine(folder, "secret.xml"));
        await Virsh.RunAsync("secret-set-value", secret.ToString(), "--file", Path.Combine(folder, "value"), "--plain");
        return secret;
    }

    /// <summary>Encrypts an image in place. Repeated, because QEMU 7.2 may fail to measure its key
    /// derivation.</summary>
    private static async Task EncryptAsync(string path, string format, Guid secret)
    {
        string option = format == "luks" ? "key-secret=s0,iter-time=10"
            : "encrypt.format=luks,encrypt.key-secret=s0,encrypt.iter-time=10";
        string source = format == "luks" ? "raw" : format;
        string script = $"""
            virsh secret-get-value {secret} >'{path}.key'
            for try in $(seq 100); do
              qemu-img convert -f {source} -O {format} --object secret,id=s0,file='{path}.key',format=base64 \
                -o {option} '{path}' '{path}.new' && break
            done
            rm '{path}.key'; mv '{path}.new' '{path}'
            """;
        (await RunningProgram.RunAsync("bash", "-c", script)).MustSucceed();
    }

    private static async Task DefineEncryptedAsync(LabGuest guest, Guid secret)
    {
        XElement domain = await guest.InactiveXmlAsync();
        foreach (XElement disk in domain.Descendants("disk").Skip(1))
        {
            disk.Element("source")!.Add(
                XElement.Parse($"<encryption format='luks'><secret type='passphrase' uuid='{secret}'/></encryption>"));
        }

        string path = Path.Combine(LabEnvironment.NewDirectory("guest"), "domain.xml");
        await File.WriteAllTextAsync(path, domain.ToString());
        await Virsh.RunAsync("define", path);
    }
}
