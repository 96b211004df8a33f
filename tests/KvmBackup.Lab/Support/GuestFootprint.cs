using System.Xml.Linq;

namespace KvmBackup.Lab.Support;

/// <summary>The state of a guest that a backup must not change: recorded before, compared afterwards.</summary>
public sealed class GuestFootprint
{
    private readonly LabGuest _guest;
    private readonly IReadOnlyList<(string What, string Is)> _before;

    private GuestFootprint(LabGuest guest, IReadOnlyList<(string What, string Is)> before) =>
        (_guest, _before) = (guest, before);

    public static async Task<GuestFootprint> TakeAsync(LabGuest guest) => new(guest, await LookAsync(guest));

    /// <summary>
    /// The same process, state and definitions, the same files in its folder; no job, no snapshot; it is not frozen,
    /// and nothing of it is open in the journal or partial in the target.
    /// </summary>
    public async Task AssertUnchangedAsync(BackupSite site)
    {
        foreach (((string what, string before), (_, string after)) in _before.Zip(await LookAsync(_guest)))
        {
            Assert.True(before == after, $"{what} of {_guest.Name} changed\n--- before\n{before}\n--- after\n{after}");
        }

        Assert.Empty(site.JournalEntries);
        Assert.Empty(Directory.GetDirectories(site.BackupPath, "*.partial", SearchOption.AllDirectories));
        if (await _guest.StateAsync() == "running")
        {
            // A frozen guest would not answer in time here.
            _ = await _guest.RunAsync("echo thawed >/data/thawed; sync /data/thawed");
        }
    }

    private static async Task<IReadOnlyList<(string What, string Is)>> LookAsync(LabGuest guest)
    {
        string state = await guest.StateAsync();
        return
        [
            ("state", state),
            ("id, new when a guest is started again,", (await Virsh.RunAsync("domid", guest.Name)).Trim()),
            ("live definition", Normalise(await guest.LiveXmlAsync())),
            ("inactive definition", Normalise(await guest.InactiveXmlAsync())),
            ("list of snapshots", (await Virsh.RunAsync("snapshot-list", guest.Name, "--name")).Trim()),
            ("job", state == "running" ? (await Virsh.RunAsync("domjobinfo", guest.Name)).Trim() : ""),
            ("folder", string.Join('\n', FilesOf(guest).Order(StringComparer.Ordinal))),
        ];
    }

    private static IEnumerable<string> FilesOf(LabGuest guest) =>
        guest.DirectoryPath is { } path ? Directory.EnumerateFileSystemEntries(path) : [];

    /// <summary>libvirt renumbers the images of a chain at every block job; nothing else may differ.</summary>
    private static string Normalise(XElement domain)
    {
        domain.Descendants().Where(element => element.Name.LocalName is "source" or "backingStore")
            .Attributes("index").Remove();
        return domain.ToString();
    }
}
