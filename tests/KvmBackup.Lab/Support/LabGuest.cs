using System.Diagnostics;
using System.Net.Sockets;
using System.Xml.Linq;

namespace KvmBackup.Lab.Support;

/// <summary>A guest of the lab: created, controlled, and removed with its images after a test.</summary>
public sealed class LabGuest : IAsyncDisposable
{
    private static readonly TimeSpan BootLimit = TimeSpan.FromSeconds(90);

    private readonly LabGuestSpecification _specification;

    private LabGuest(LabGuestSpecification specification, string? directoryPath) =>
        (_specification, DirectoryPath) = (specification, directoryPath);

    public string Name => _specification.Name;

    public LabAgent Agent => _specification.Agent;

    /// <summary>The folder of its images; null for a guest that was not created by the lab.</summary>
    public string? DirectoryPath { get; }

    /// <summary>Creates the images, defines the guest, starts it and waits until it answers.</summary>
    public static async Task<LabGuest> StartAsync(LabGuestSpecification specification)
    {
        LabGuest guest = await DefineAsync(specification);
        await guest.StartAgainAsync();
        return guest;
    }

    /// <summary>Creates the images and defines the guest, which stays shut off.</summary>
    public static async Task<LabGuest> DefineAsync(LabGuestSpecification specification)
    {
        string directory = Path.Combine(LabEnvironment.ImagesPath, specification.Name);
        Directory.CreateDirectory(directory);
        foreach (LabDisk disk in specification.Disks.Where(disk => disk is { IsEmpty: false, ExistingPath: null }))
        {
            await LabImage.CreateAsync(disk, PathOf(disk));
        }

        string xmlPath = Path.Combine(LabEnvironment.NewDirectory("guest"), "domain.xml");
        string serialPath = Path.Combine(Path.GetDirectoryName(xmlPath)!, "serial.log");
        await File.WriteAllTextAsync(xmlPath, LabDomainXml.Write(
            specification, LabDomainXml.Options(specification), serialPath, PathOf));
        await Virsh.RunAsync("define", xmlPath);
        return new LabGuest(specification, directory);

        string PathOf(LabDisk disk) => disk.ExistingPath ?? Path.Combine(directory, $"{disk.Target}.{disk.Format}");
    }

    /// <summary>A guest that is already defined, for instance by a restore; its dispose undefines it, too.</summary>
    public static LabGuest Attach(string name, LabAgent agent = LabAgent.Ok) =>
        new(new LabGuestSpecification(name) { Agent = agent, Disks = [] }, directoryPath: null);

    /// <summary>Starts the guest and waits until it answers.</summary>
    public async Task BootAsync()
    {
        await Virsh.RunAsync("start", Name);
        await WaitUntilReadyAsync();
    }

    /// <summary>Starts a guest with the devices of its creation, where the boot is not the proof.</summary>
    public async Task StartAgainAsync()
    {
        if (!SavedBoot.IsPossibleFor(_specification))
        {
            await BootAsync();
            return;
        }

        await SavedBoot.ResumeAsync(this, _specification, await SavedBoot.EnsureSavedAsync(_specification));
        await WaitUntilReadyAsync();
    }

    /// <summary>Waits until a started guest answers, and its agent, too, if it works.</summary>
    public async Task WaitUntilReadyAsync()
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!await AnswersAsync())
        {
            Assert.True(clock.Elapsed < BootLimit, $"The guest '{Name}' did not boot: {await SerialLogAsync()}");
            await Task.Delay(50);
        }
    }

    /// <summary>Runs a shell script in the guest, without its agent.</summary>
    public async Task<Outcome> ExecAsync(string script, TimeSpan? limit = null)
    {
        using CancellationTokenSource timeout = new(limit ?? TimeSpan.FromSeconds(30));
        XElement channel = (await LiveXmlAsync()).Descendants("channel")
            .Single(element => element.Element("target")?.Attribute("name")?.Value == "kvmbackup.lab.0");
        string socketPath = channel.Element("source")!.Attribute("path")!.Value;
        return await ControlChannel.RunAsync(socketPath, script, timeout.Token);
    }

    /// <summary>Runs a shell script in the guest that must succeed, and returns what it printed.</summary>
    public async Task<string> RunAsync(string script) => (await ExecAsync(script)).MustSucceed().Output;

    public async Task<byte[]> ReadFileAsync(string path) =>
        Convert.FromBase64String((await RunAsync($"base64 '{path}' | tr -d '\\n'")).Trim());

    /// <summary>Writes a file in the guest and flushes it to the disk.</summary>
    public async Task WriteFileAsync(string path, ReadOnlyMemory<byte> content) =>
        await RunAsync($"base64 -d >'{path}' <<END\n{Convert.ToBase64String(content.Span)}\nEND\nsync '{path}'");

    /// <summary>The SHA-256 of a file in the guest, in hexadecimal.</summary>
    public async Task<string> ChecksumAsync(string path) => (await RunAsync($"sha256sum '{path}'")).Split(' ')[0];

    /// <summary>Waits until the disks contain a pair, shortly after the first boot.</summary>
    public async Task WaitForPairAsync() => await RunAsync("until [ -s \"$PAIR_B\" ]; do usleep 20000; done");

    /// <summary>The pair on the disks at the boot of the guest, before its first write.</summary>
    public async Task<(string First, string Second)> FoundPairAsync() =>
        ((await RunAsync("cat /run/lab/found.a")).Trim(), (await RunAsync("cat /run/lab/found.b")).Trim());

    /// <summary>Whether both halves existed and were equal when the guest booted.</summary>
    public async Task<bool> HasPairsIntactAsync()
    {
        (string first, string second) = await FoundPairAsync();
        return first.Length == 10 && first == second;
    }

    public Task<string> StateAsync() => Virsh.StateAsync(Name);

    /// <summary>Its state with the reason, for instance <c>paused (I/O error)</c>.</summary>
    public async Task<string> StateAndReasonAsync() => (await Virsh.RunAsync("domstate", "--reason", Name)).Trim();

    public async Task WaitForStateAsync(string stateAndReason)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (await StateAndReasonAsync() is var current && current != stateAndReason)
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{Name} is not {stateAndReason}, but {current}.");
            await Task.Delay(200);
        }
    }

    public Task<XElement> LiveXmlAsync() => Virsh.LiveXmlAsync(Name);

    public Task<XElement> InactiveXmlAsync() => Virsh.InactiveXmlAsync(Name);

    /// <summary>The current image of a disk in the live definition.</summary>
    public async Task<string> SourceOfAsync(string target) => Virsh.SourcesIn(await LiveXmlAsync())[target];

    /// <summary>Cuts the power.</summary>
    public async Task DestroyAsync() => await Virsh.RunAsync("destroy", Name);

    /// <summary>Requests a shutdown of the guest, and waits for it.</summary>
    public async Task ShutdownAsync()
    {
        await Virsh.RunAsync("shutdown", Name);
        Stopwatch clock = Stopwatch.StartNew();
        while (await StateAsync() != "shut off")
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"The guest '{Name}' does not shut down.");
            await Task.Delay(50);
        }
    }

    public async Task UndefineAsync() =>
        await Virsh.RunAsync("undefine", Name, "--nvram", "--snapshots-metadata", "--checkpoints-metadata");

    /// <summary>Deletes every image that the lab created for the guest.</summary>
    public async Task DeleteDisksAsync()
    {
        if (Directory.Exists(DirectoryPath))
        {
            Directory.Delete(DirectoryPath, recursive: true);
        }

        foreach (LabRbdImage image in _specification.Disks.Select(disk => disk.Rbd).OfType<LabRbdImage>())
        {
            await LabCeph.RemoveAsync(image);
        }
    }

    /// <summary>Simulates a disaster: removes the running guest, its definition and its disks.</summary>
    public async Task LoseAsync()
    {
        await DestroyAsync();
        await UndefineAsync();
        await DeleteDisksAsync();
    }

    public async ValueTask DisposeAsync()
    {
        // The test may have left the guest in any state, or removed it: both commands may fail.
        await Virsh.TryAsync("destroy", Name);
        await Virsh.TryAsync("undefine", Name, "--nvram", "--snapshots-metadata", "--checkpoints-metadata");
        await DeleteDisksAsync();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await ExecAsync("true", TimeSpan.FromSeconds(2));
        }
        catch (Exception failure) when (failure is OperationCanceledException or SocketException or IOException)
        {
            return false;
        }

        return Agent is LabAgent.None or LabAgent.Hang
            || (await Virsh.TryAsync("qemu-agent-command", Name, """{"execute":"guest-ping"}""")).ExitCode == 0;
    }

    private async Task<string> SerialLogAsync()
    {
        XElement domain = await LiveXmlAsync();
        XElement source = domain.Descendants("serial").Single().Element("source")!;
        return await File.ReadAllTextAsync(source.Attribute("path")!.Value);
    }
}
