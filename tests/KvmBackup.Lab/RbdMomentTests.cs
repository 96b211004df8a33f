using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>Changes of an image or its cluster during a read, or between two steps of a restore.</summary>
[Trait("Needs", "Ceph")]
public sealed class RbdMomentTests
{
    private const string Big = "write -P 65 0 8M";

    [LabFact]
    public async Task An_image_resized_and_written_during_the_read_is_backed_up_at_its_snapshot()
    {
        await using ImageSite site = await ImageSite.CreateAsync("resized", new LabRbdImage("resized"));
        await site.ChangeAsync(Big);
        foreach (
            (string size, string kind) in new[] { ("96M", "full"), ("32M", "incremental"), ("64M", "incremental") })
        {
            await site.ChangeAsync("write -P 66 16M 2M", "write -P 67 30M 1M");
            Interposer interposer = Interposer.WithinExport(
                $"\"$real\" resize --no-progress --allow-shrink --size {size} {site.Image.Specification} && touch "
                + "\"$state/done\"");

            (await interposer.RunAsync(site.Site, "run")).MustSucceed();

            Assert.EndsWith(kind == "full" ? "-full" : "-incr", site.Site.BackupDirectories(site.Guest.Name)[^1],
                StringComparison.Ordinal);
            Assert.Contains(size[..^1] + " MiB", await LabCeph.RbdAsync("info", site.Image.Specification),
                StringComparison.Ordinal);
            await site.AssertNewestIsAtItsSnapshotAsync();
        }
    }

    [LabFact]
    public async Task A_cluster_that_hangs_during_a_read_is_reported_and_the_next_backup_succeeds()
    {
        await using ImageSite site = await ImageSite.CreateAsync("hung-read", new LabRbdImage("hung-read"));
        _ = await site.AssertBackupAsync("full");
        await site.ChangeAsync("write -P 68 0 40M");
        Interposer interposer = Interposer.WithinExport("bash \"$KVMBACKUP_LAB_SCRIPT\" pause-ceph");
        Outcome outcome;
        try
        {
            outcome = await interposer.RunAsync(site.Site, "run");
        }
        finally
        {
            await LabCeph.ResumeAsync();
        }

        outcome.MustEndWith(1);
        Assert.Contains("cluster", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("the target took no data", outcome.Output, StringComparison.Ordinal);
        Assert.Single(site.Site.BackupDirectories(site.Guest.Name));
        (await site.Site.RunAsync("recover")).MustSucceed();
        _ = await site.AssertBackupAsync("incremental");
    }

    [LabFact]
    public async Task A_restore_killed_during_a_replacement_loses_no_image_and_the_next_one_reports_the_commands()
    {
        // The first two calls rename images, the third removes the replaced one.
        for (int moment = 1; moment <= 3; moment++)
        {
            await AssertReplacedAsync(moment);
        }
    }

    private static async Task AssertReplacedAsync(int moment)
    {
        LabRbdImage image = new($"replaced-{moment}");
        await using ImageSite site = await ImageSite.CreateAsync($"replaced-{moment}", image);
        await site.ChangeAsync(Big);
        _ = await site.AssertBackupAsync("full");
        await LabCeph.RbdAsync("snap", "purge", "--no-progress", image.Specification);
        await site.ChangeAsync("write -P 70 0 8M");
        string backup = await ChecksumAsync(site);
        string before = await StandaloneImages.ChecksumAsync(image.Specification);
        string[] restore = ["restore", site.Guest.Name, "--disk", "vda", "--to", $"rbd:{image}", "--replace-image",
            image.Specification];
        Interposer killer = new($$"""
            case " $* " in *' rename '*|*' rm --no-progress '*kvmbackup-replaced*)
              echo >>"$state/calls"
              [ "$(wc -l <"$state/calls")" != {{moment}} ] || { kill -KILL "$PPID"; exit 1; } ;;
            esac
            """);
        Assert.Equal(137, (await killer.RunAsync(site.Site, restore)).ExitCode);

        // At any point the old image exists, under one of two names, and so does the new one.
        string[] whole = [image.Specification, image.Specification + ".kvmbackup-replaced",
            image.Specification + ".kvmbackup-partial"];
        List<string> found = [];
        foreach (string name in whole)
        {
            if ((await LabCeph.TryRbdAsync("info", name)).ExitCode == 0)
            {
                found.Add(await StandaloneImages.ChecksumAsync(name));
            }
        }

        Assert.Equal(new[] { backup, before }.Order(), found.Order());
        for (int times = 0; times < 4 && (await site.Site.RunAsync(restore)) is { ExitCode: not 0 } refused; times++)
        {
            await TypeAsync(refused.Error);
        }

        Assert.Equal(backup, await StandaloneImages.ChecksumAsync(image.Specification));
        string left = await LabCeph.RbdAsync("ls", LabCeph.Pool);
        Assert.DoesNotContain($"{image.Image}.kvmbackup", left, StringComparison.Ordinal);
    }

    /// <summary>Runs the commands in a refusal.</summary>
    private static async Task TypeAsync(string refusal)
    {
        string[] commands = [.. TypedAdvice.CommandsIn(refusal, "rbd ")
            .Where(command => command.Contains(".kvmbackup-", StringComparison.Ordinal))];
        Assert.True(commands.Length > 0, refusal);
        Assert.DoesNotContain("--keyfile", refusal, StringComparison.Ordinal);
        foreach (string command in commands)
        {
            (await RunningProgram.RunAsync("bash", "-c", command)).MustSucceed();
        }
    }

    private static async Task<string> ChecksumAsync(ImageSite site)
    {
        string folder = LabEnvironment.NewDirectory("backup");
        (await site.Site.RunAsync("restore", site.Guest.Name, "--to", folder)).MustSucceed();
        return Folder.Checksum(Assert.Single(Directory.GetFiles(folder, "*.raw", SearchOption.AllDirectories)));
    }
}
