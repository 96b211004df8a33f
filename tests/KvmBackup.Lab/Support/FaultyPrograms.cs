using System.Globalization;

namespace KvmBackup.Lab.Support;

/// <summary>
/// Wrappers before the real programs in the PATH of the program under test: count their calls, and make one of them
/// fail.
/// </summary>
public sealed class FaultyPrograms
{
    private const string Script = """
        #!/bin/bash
        state=${0%/*} name=${0##*/}
        real=REAL/$name
        exec 9>>"$state/lock"
        flock 9
        echo "$name $*" >>"$state/calls"
        number=$(wc -l <"$state/calls")
        exec 9>&-
        read -r at kind <"$state/fault"
        [[ $number = "$at" ]] || exec "$real" "$@"
        case $kind in
          Fail) exit 1 ;;
          Silence) exit 0 ;;
          Cut) "$real" "$@" | head -c 40; exit 0 ;;
          LostAnswer) "$real" "$@" >/dev/null 2>&1; exit 1 ;;
          Hang) exec sleep 1000 ;;
        esac
        """;

    private static readonly string[] Names = ["virsh", "qemu-img", "pigz", "rbd"];
    private readonly string path = LabEnvironment.NewDirectory("faulty");

    public FaultyPrograms()
    {
        // A lab that was built without Ceph does not have rbd.
        foreach (string name in Names.Where(name => DirectoryOf(name) is not null))
        {
            string file = Path.Combine(path, name);
            File.WriteAllText(file, Script.Replace("REAL", DirectoryOf(name)!, StringComparison.Ordinal) + "\n");
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The calls of the last run, in order.</summary>
    public IReadOnlyList<string> Calls => File.ReadAllLines(Path.Combine(path, "calls"));

    /// <summary>Runs the program under test with these programs.</summary>
    /// <param name="site">Its configuration.</param>
    /// <param name="at">The number of the call that fails, from 1; 0 for none.</param>
    /// <param name="fault">The kind of failure.</param>
    public async Task<Outcome> RunAsync(BackupSite site, int at, ProgramFault fault)
    {
        File.WriteAllText(Path.Combine(path, "fault"), string.Create(CultureInfo.InvariantCulture, $"{at} {fault}\n"));
        File.WriteAllText(Path.Combine(path, "calls"), "");
        await using RunningProgram running = RunningProgram.Start(
            Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, "--wait", "30", "run"],
            new Dictionary<string, string> { ["PATH"] = $"{path}:{Environment.GetEnvironmentVariable("PATH")}" });
        return await running.WaitAsync(TimeSpan.FromMinutes(10));
    }

    private static string? DirectoryOf(string name) => Environment.GetEnvironmentVariable("PATH")!.Split(':')
        .FirstOrDefault(directory => File.Exists(Path.Combine(directory, name)));
}
