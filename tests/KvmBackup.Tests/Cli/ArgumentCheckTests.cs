using KvmBackup.Cli;
using KvmBackup.Reporting;

namespace KvmBackup.Tests.Cli;

/// <summary>Mistakes on the command line, none of which may be accepted with another meaning.</summary>
public sealed class ArgumentCheckTests
{
    [Theory]
    [InlineData("restore web1 --to --start", "--to requires a value", "--to=--start")]
    [InlineData("restore web1 --as --to x", "--as requires a value")]
    [InlineData("restore web1 --to", "--to requires a value: DIR")]
    [InlineData("list --backupdir ''", "--backupdir requires a value", "empty")]
    [InlineData("list --backupdir=", "--backupdir requires a value", "empty")]
    [InlineData("-c '' list", "-c requires a value", "empty")]
    [InlineData("list ''", "empty")]
    [InlineData("run --domain ''", "--domain requires a value")]
    [InlineData("verify --al", "no option '--al'", "'--all'")]
    [InlineData("backup web1 --dryrun", "no option '--dryrun'", "'--dry-run'")]
    [InlineData("list --force", "list has no option '--force'")]
    [InlineData("run -qz", "no option '-qz'")]
    [InlineData("--force run", "'--force' must follow its command")]
    [InlineData("run --backupdir x", "run does not use --backupdir")]
    [InlineData("list --wait 3", "list does not use --wait")]
    [InlineData("--wait 3 list", "list does not use --wait")]
    [InlineData("snapshots list --wait 3", "snapshots list does not use --wait")]
    [InlineData("verify --all --connect x", "verify does not use --connect")]
    [InlineData("cat web1 vda --json", "cat does not use --json")]
    [InlineData("prune --wait -1", "--wait requires a value", "--wait=-1")]
    [InlineData("prune --wait=-1", "--wait takes a number of seconds from 0 on, not '-1'")]
    [InlineData("prune --wait 99999999999", "not '99999999999'")]
    [InlineData("cat web1 vda --offset 1M", "--offset takes a number of bytes from 0 on, not '1M'")]
    [InlineData("cat web1 vda --length 5.5", "--length takes a number")]
    [InlineData("bakup web1", "no command 'bakup'", "'backup'")]
    [InlineData("help bakup", "no command 'bakup'", "'backup'")]
    [InlineData("help snapshots lst", "no command 'snapshots lst'")]
    [InlineData("snapshots lst", "no command 'snapshots lst'", "'list'")]
    [InlineData("run web1", "run takes no name", "kvmbackup backup web1")]
    [InlineData("prune web1", "prune takes no name")]
    public void A_mistake_is_reported_with_the_likely_correction(string words, params string[] named)
    {
        string mistake = Assert.Single(FindMistakes(words));

        Assert.All(named, part => Assert.Contains(part, mistake, StringComparison.Ordinal));
        Assert.DoesNotContain("System.", mistake, StringComparison.Ordinal);
        Assert.DoesNotContain("..", mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list @web1")]
    [InlineData("verify -- --al")]
    [InlineData("restore web1 --to=--start")]
    [InlineData("restore web1 --to -")]
    [InlineData("-qvc x.yml run -f -d a,b --domain c")]
    [InlineData("-cx.yml --json=true recover --wait 5")]
    [InlineData("backup --help")]
    [InlineData("help backup")]
    [InlineData("help snapshots trim")]
    [InlineData("--wait 60 recover --quiet")]
    [InlineData("snapshots trim --wait 3 --dry-run")]
    [InlineData("cat web1 vda --offset 5 --length 0")]
    [InlineData("run --domains a --domains b")]
    [InlineData("show snapshots")]
    public void A_valid_command_line_is_accepted(string words) => Assert.Empty(FindMistakes(words));

    private static IReadOnlyList<string> FindMistakes(string words) =>
        new CommandLine((_, _) => throw new InvalidOperationException(), StandardStreams.Open(), TimeProvider.System)
            .FindMistakes([.. words.Split(' ').Select(word => word.Trim('\''))]);
}
