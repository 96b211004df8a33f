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
    public void The_program_stops_after_the_requested_step_only(string? holdAfter, string held)
    {
        int holds = 0;
        FaultInjection faults = new(holdAfter, () => holds++, Logger.None);

        faults.Pass(Web1.Identity.Name, JobStep.Frozen);
        faults.Pass(Web1.Identity.Name, JobStep.Thawed);
        faults.Pass(Web1.Identity.Name, JobStep.Releasing, Web1.Vda);
        faults.Pass(Web1.Identity.Name, JobStep.Releasing, Web1.Vdb);

        Assert.Equal(held.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, holds);
    }
}
