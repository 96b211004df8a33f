using KvmBackup.Runs.Capture;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Runs.Capture;

public sealed class FaultInjectionTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("Thawed", "Thawed")]
    [InlineData("Releasing", "Releasing")]
    [InlineData("Releasing:vdb", "Releasing:vdb")]
    [InlineData("Thawed,Releasing:vdb", "Thawed Releasing:vdb")]
    [InlineData("Releasing:vdz", "")]
    [InlineData("Thawed:vda", "")]
    [InlineData("releasing", "")]
    [InlineData("", "")]
    public void The_program_is_held_after_the_step_that_was_asked_for_and_no_other(string? holdAfter, string held)
    {
        int holds = 0;
        FaultInjection gate = new(holdAfter, () => holds++, Logger.None);

        gate.Pass(Web1.Identity.Name, JobStep.Frozen);
        gate.Pass(Web1.Identity.Name, JobStep.Thawed);
        gate.Pass(Web1.Identity.Name, JobStep.Releasing, Web1.Vda);
        gate.Pass(Web1.Identity.Name, JobStep.Releasing, Web1.Vdb);

        Assert.Equal(held.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, holds);
    }
}
